using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.HandOff;

/// <summary>The codes of an activation.</summary>
/// <param name="Tensor">Its name in the float model.</param>
/// <param name="Scale">Real numbers per code.</param>
/// <param name="ZeroPoint">The code of zero.</param>
/// <param name="Type">int8, uint8, int16 or uint16.</param>
public sealed record QuantizedActivation(string Tensor, float Scale, int ZeroPoint, DataType Type)
{
    /// <summary>8 or 16.</summary>
    public int Bits => Type is DataType.Int16 or DataType.Uint16 ? 16 : 8;

    /// <summary>The zero point of the unsigned type.</summary>
    public int UnsignedZeroPoint => Type is DataType.Int8 or DataType.Int16 ? ZeroPoint + Half : ZeroPoint;

    /// <summary>The zero point of the signed type.</summary>
    public int SignedZeroPoint => UnsignedZeroPoint - Half;

    /// <summary>True if zero has the middle code.</summary>
    public bool IsSymmetric => SignedZeroPoint == 0;

    private int Half => 1 << (Bits - 1);

    /// <summary>The activations that a quantized model has codes for, each once: where readers differ, the widest type.</summary>
    /// <param name="quantized">The quantized model.</param>
    /// <param name="known">The values of the float model.</param>
    public static IReadOnlyDictionary<string, QuantizedActivation> Of(OnnxModel quantized, IReadOnlySet<string> known)
    {
        var index = new GraphIndex(quantized);
        var found = new Dictionary<string, QuantizedActivation>(StringComparer.Ordinal);
        foreach (var node in quantized.Graph.Node.Where(node => node.OpType == "QuantizeLinear" && index.Constant(node.Input[0]) is null))
        {
            if (Read(quantized, index, node, known) is { } activation
                && (!found.TryGetValue(activation.Tensor, out var other) || other.Bits < activation.Bits))
            {
                found[activation.Tensor] = activation;
            }
        }

        return found;
    }

    /// <summary>The codes that a QuantizeLinear or DequantizeLinear of an activation works with; null if they are not constant.</summary>
    internal static QuantizedActivation? Read(OnnxModel model, GraphIndex index, NodeProto node, string tensor)
    {
        if (index.Constant(node.InputAt(1)) is not { } scale || model.Read(scale).ToFloats() is not [var step])
            return null;

        var zero = index.Constant(node.InputAt(2));
        var type = (DataType)(zero?.DataType ?? (int)DataType.Uint8);
        return type is DataType.Int8 or DataType.Uint8 or DataType.Int16 or DataType.Uint16
            ? new QuantizedActivation(tensor, step, zero is null ? 0 : (int)model.Read(zero).ToFloats()[0], type)
            : null;
    }

    // A quantized output keeps its name for the dequantized value; the float one before it got a new name.
    private static QuantizedActivation? Read(OnnxModel model, GraphIndex index, NodeProto node, IReadOnlySet<string> known)
    {
        var names = index.Readers(node.Output[0]).Where(reader => reader.OpType == "DequantizeLinear")
            .Select(reader => reader.Output[0]).Prepend(node.Input[0]);
        return names.FirstOrDefault(known.Contains) is { } tensor ? Read(model, index, node, tensor) : null;
    }
}
