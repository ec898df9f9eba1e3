using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Mapping;

/// <summary>
/// The weight of a MatMulNBits node (com.microsoft): codes of 2, 4 or 8 bits, the lower k in the lower bits, each row cut into
/// blocks with a scale and perhaps a zero point each. Value = (code − zero point) · scale.
/// </summary>
internal sealed record NBits(TensorProto Scale, TensorProto? Zero)
{
    private const int Codes = 1;
    private const int Scales = 2;
    private const int Zeros = 3;
    private const int Order = 4;

    /// <summary>N, the outputs.</summary>
    public required long Rows { get; init; }

    /// <summary>K, the inputs.</summary>
    public required long Columns { get; init; }

    /// <summary>How many codes share a scale.</summary>
    public required long Block { get; init; }

    /// <summary>The bits of a code.</summary>
    public required int Bits { get; init; }

    private long Blocks => (Columns + Block - 1) / Block;

    /// <summary>Reads a node's attributes; null if they or the stored tensors are none that can be read.</summary>
    public static NBits? Of(GraphIndex index, NodeProto node)
    {
        var hasZero = node.InputAt(Zeros).Length > 0;
        var zero = hasZero ? index.Stored(new Edge(node, Zeros)) : null;
        if (node.InputAt(Scales).Length == 0 || index.Stored(new Edge(node, Scales)) is not { } scale || (hasZero && zero is null)
            || node.InputAt(Order).Length > 0 || node.InputAt(Codes).Length == 0)
        {
            return null;
        }

        var (rows, columns, block, bits) = (node.Integer("N", 0), node.Integer("K", 0), node.Integer("block_size", 0), node.Integer("bits", 4));
        return rows is > 0 and <= int.MaxValue && columns is > 0 and <= int.MaxValue && block is >= 16 and <= 1 << 20 && bits is 2 or 4 or 8
            ? new NBits(scale, zero) { Rows = rows, Columns = columns, Block = block, Bits = (int)bits }
            : null;
    }

    /// <summary>True if the stored bytes, scales and zero points are as many as the attributes ask for.</summary>
    public bool Fits(OnnxModel model, TensorProto codes) => model.Read(codes).ByteLength == Rows * Blocks * (Block * Bits / 8)
        && model.Read(Scale).Shape.ElementCount == Rows * Blocks
        && (Zero is null || model.Read(Zero).ByteLength == Rows * ((Blocks * Bits + 7) / 8)) && Rows * Columns <= Array.MaxLength;

    /// <summary>The weight, [N, K] row-major.</summary>
    public float[] Values(OnnxModel model, TensorProto codes)
    {
        var bytes = model.Read(codes).ToBytes();
        var zeros = Zero is null ? null : model.Read(Zero).ToBytes();
        return Fill(model, (row, k, scale) =>
        {
            var (block, inside) = Math.DivRem(k, Block);
            var code = Code(bytes, ((row * Blocks) + block) * (Block * Bits / 8), inside);
            var zero = zeros is null ? 1 << (Bits - 1) : Code(zeros, row * ((Blocks * Bits + 7) / 8), block);
            return (code - zero) * scale;
        });
    }

    /// <summary>The scale of each element.</summary>
    public float[] Steps(OnnxModel model) => Fill(model, (_, _, scale) => Math.Abs(scale));

    private float[] Fill(OnnxModel model, Func<long, long, float, float> element)
    {
        var scales = model.Read(Scale).ToFloats();
        var values = new float[Rows * Columns];
        for (long row = 0; row < Rows; row++)
        {
            for (long k = 0; k < Columns; k++)
                values[(row * Columns) + k] = element(row, k, scales[(row * Blocks) + (k / Block)]);
        }

        return values;
    }

    private int Code(byte[] bytes, long start, long index)
    {
        var perByte = 8 / Bits;
        return (bytes[start + (index / perByte)] >> (int)(index % perByte * Bits)) & ((1 << Bits) - 1);
    }
}
