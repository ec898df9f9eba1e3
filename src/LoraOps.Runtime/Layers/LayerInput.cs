using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Layers;

/// <summary>What a layer of a quantized model multiplies its weight with, and how that is quantized on the way.</summary>
/// <param name="Tensor">The float tensor before its quantization, or the layer's input if there is none.</param>
internal sealed record LayerInput(string Tensor)
{
    private const int LongestChain = 16;

    /// <summary>The size of a step; 0 if nothing is quantized, or if the runtime chooses it for each batch.</summary>
    public float Scale { get; init; }

    /// <summary>The code of zero.</summary>
    public int Zero { get; init; }

    /// <summary>The smallest code.</summary>
    public int Low { get; init; }

    /// <summary>The largest.</summary>
    public int High { get; init; }

    /// <summary>True if the runtime measures each batch: uint8 over its range and zero.</summary>
    public bool IsDynamic { get; init; }

    /// <summary>The bits of a code; 0 in float.</summary>
    public int Bits => IsDynamic ? 8 : Scale == 0 ? 0 : High - Low > byte.MaxValue ? 16 : 8;

    /// <summary>Follows a layer's input back over what only moves values to the quantization.</summary>
    public static LayerInput Of(OnnxModel model, GraphIndex index, NodeProto node)
    {
        var value = node.Input[0];
        for (var depth = 0; depth < LongestChain && index.Producer(value) is { } step; depth++)
        {
            if (step.Is("DynamicQuantizeLinear"))
                return new LayerInput(step.Input[0]) { IsDynamic = true, High = byte.MaxValue };

            if (step.Is("QuantizeLinear"))
                return Read(model, index, step) ?? new LayerInput(node.Input[0]);

            if (!step.Is("DequantizeLinear", "Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"))
                break;

            value = step.Input[0];
        }

        return new LayerInput(node.Input[0]);
    }

    private static LayerInput? Read(OnnxModel model, GraphIndex index, NodeProto quantize)
    {
        if (index.Constant(quantize.InputAt(1)) is not { } scale || model.Read(scale).Shape.ElementCount != 1)
            return null;

        var zero = quantize.InputAt(2).Length == 0 ? null : index.Constant(quantize.InputAt(2));
        var (low, high) = zero is null ? (0, byte.MaxValue) : (DataType)zero.DataType switch
        {
            DataType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
            DataType.Int16 => (short.MinValue, short.MaxValue),
            DataType.Uint16 => (0, ushort.MaxValue),
            _ => (0, (int)byte.MaxValue),
        };
        return new LayerInput(quantize.Input[0])
        {
            Scale = model.Read(scale).ToFloats()[0],
            Zero = zero is null ? 0 : (int)model.Read(zero).ToFloats()[0],
            Low = low,
            High = high,
        };
    }
}
