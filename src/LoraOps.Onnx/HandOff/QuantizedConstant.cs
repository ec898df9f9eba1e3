using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.HandOff;

/// <summary>The codes of a constant at a place that reads it.</summary>
/// <param name="Tensor">Its name in the float model.</param>
/// <param name="Bits">8, 16 or 32.</param>
/// <param name="Scales">One, or one per channel.</param>
/// <param name="UnsignedZeroPoint">The code of zero in the unsigned type.</param>
public sealed record QuantizedConstant(string Tensor, int Bits, IReadOnlyList<float> Scales, long UnsignedZeroPoint)
{
    /// <summary>The constants that the quantized model has codes for, in graph order.</summary>
    internal static IReadOnlyList<QuantizedConstant> Of(Counterparts models)
    {
        var found = new List<QuantizedConstant>();
        foreach (var (node, quantized) in models.Pairs)
        {
            for (var i = 0; i < Math.Min(node.Input.Count, quantized?.Input.Count ?? 0); i++)
            {
                if (models.FloatIndex.Constant(node.Input[i]) is not null
                    && models.Dequantizer(quantized!.Input[i]) is { } dequantizer && models.StoredIn(dequantizer) is not null
                    && Read(models, dequantizer, node, i) is { } constant)
                {
                    found.Add(constant);
                }
            }
        }

        return found;
    }

    private static QuantizedConstant? Read(Counterparts models, NodeProto dequantizer, NodeProto node, int input)
    {
        if (models.QuantizedIndex.Constant(dequantizer.InputAt(1)) is not { } scale)
            return null;

        var zero = models.QuantizedIndex.Constant(dequantizer.InputAt(2));
        var type = (DataType)(zero?.DataType ?? models.StoredIn(dequantizer)?.DataType ?? 0);
        var bits = type switch
        {
            DataType.Int8 or DataType.Uint8 => 8,
            DataType.Int16 or DataType.Uint16 => 16,
            DataType.Int32 => 32,
            _ => 0,
        };
        var middle = type is DataType.Int8 or DataType.Int16 or DataType.Int32 ? 1L << (bits - 1) : 0;
        return bits == 0
            ? null
            : new QuantizedConstant(
                node.Input[input], bits, [.. models.Quantized.Read(scale).ToFloats().Select(value => value / Factor(node, input))],
                middle + (zero is null || bits == 32 ? 0 : (long)models.Quantized.Read(zero).ToFloats()[0]));
    }

    // The quantizer multiplies Gemm's factors into its constants; the float model still has both.
    private static float Factor(NodeProto node, int input)
    {
        var factor = !node.Is("Gemm") ? 1 : input == 1 ? node.Float("alpha", 1) : input == 2 ? node.Float("beta", 1) : 1;
        return factor == 0 ? 1 : Math.Abs(factor);
    }
}
