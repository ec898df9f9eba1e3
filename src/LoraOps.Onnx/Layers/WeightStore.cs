using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Layers;

/// <summary>What a graph stores of a weight.</summary>
/// <param name="Tensor">The numbers or codes.</param>
/// <param name="Layout">Where its output channels lie.</param>
internal sealed record WeightStore(TensorProto Tensor, RowLayout Layout)
{
    /// <summary>How codes become numbers; null if the layer computes in float.</summary>
    public StoredCodes? Codes { get; init; }

    /// <summary>What the node multiplies the weight with: Gemm's alpha, else 1.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>The type of what is computed with.</summary>
    public string Precision => Codes?.Precision ?? (DataType)Tensor.DataType switch
    {
        DataType.Float16 => "fp16",
        DataType.Bfloat16 => "bf16",
        DataType.Double => "double",
        _ => "float",
    };
}

/// <summary>How stored codes, or numbers that become codes when the model runs, are to be read.</summary>
/// <param name="Type">The type of the codes.</param>
/// <param name="Scale">One scale, one for each index of the axis, or one for each block along it.</param>
/// <param name="Zero">As many zero points, or null for none.</param>
/// <param name="Axis">The axis in the stored dimensions, not negative.</param>
/// <param name="Block">The length of a block, or 0.</param>
internal sealed record StoredCodes(DataType Type, TensorProto Scale, TensorProto? Zero, int Axis, long Block)
{
    /// <summary>The bits of a code where several are packed as MatMulNBits does: [N, blocks, bytes]; else 0.</summary>
    public int PackedBits { get; init; }

    /// <summary>The type in a word.</summary>
    public string Precision => PackedBits > 0 ? $"int{PackedBits}" : Type.ToString().ToLowerInvariant();

    /// <summary>The smallest and largest code.</summary>
    public (int Low, int High) Range => PackedBits > 0 ? (0, (1 << PackedBits) - 1) : Type switch
    {
        DataType.Int4 => (-8, 7),
        DataType.Uint4 => (0, 15),
        DataType.Int8 => (sbyte.MinValue, sbyte.MaxValue),
        DataType.Uint8 => (0, byte.MaxValue),
        DataType.Int16 => (short.MinValue, short.MaxValue),
        DataType.Uint16 => (0, ushort.MaxValue),
        _ => (int.MinValue, int.MaxValue),
    };

    /// <summary>Reads the codes, outputs first.</summary>
    public WeightCodes Read(OnnxModel model, WeightStore store) => new CodeReader(model, store, this).Read();
}
