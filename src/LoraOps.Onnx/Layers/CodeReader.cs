using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Layers;

/// <summary>Reads the codes of a weight, the scale of each, and the zero points.</summary>
internal sealed class CodeReader(OnnxModel model, WeightStore store, StoredCodes how)
{
    private readonly TensorProto _tensor = store.Tensor;

    /// <summary>Reads them, outputs first.</summary>
    /// <exception cref="LoraOpsException">There are too few or too many of something.</exception>
    public WeightCodes Read()
    {
        var scales = model.Read(how.Scale).ToFloats();
        for (var i = 0; i < scales.Length; i++)
            scales[i] *= store.Factor;

        return how.PackedBits > 0 ? ReadPacked(scales) : ReadPlain(scales);
    }

    private WeightCodes ReadPlain(float[] scales)
    {
        var dims = _tensor.Dims;
        var count = dims.Aggregate(1L, (product, dim) => product * dim);
        var length = dims.Count > 0 && how.Axis < dims.Count ? dims[how.Axis] : 1;
        var blocks = how.Block > 0 ? (length + how.Block - 1) / how.Block : length;
        var wanted = how.Block > 0 ? count / Math.Max(1, length) * blocks : length;
        Refuse(scales.Length != 1 && scales.Length != wanted, $"{scales.Length} scales for {wanted} channels or blocks");
        var zeros = how.Zero is null ? new int[scales.Length] : Integers(how.Zero, scales.Length);
        if (zeros.Length == 1 && scales.Length > 1)
            zeros = [.. Enumerable.Repeat(zeros[0], scales.Length)];

        Refuse(zeros.Length != scales.Length, $"{zeros.Length} zero points for {scales.Length} scales");

        var inner = dims.Skip(how.Axis + 1).Aggregate(1L, (product, dim) => product * dim);
        var groups = new int[count];
        for (long i = 0; scales.Length > 1 && i < count; i++)
        {
            var index = i / inner % length;
            groups[i] = (int)(how.Block == 0 ? index : (((i / inner / length * blocks) + (index / how.Block)) * inner) + (i % inner));
        }

        var codes = IsFloat(_tensor) ? Rounded(groups, scales, zeros) : Integers(_tensor, count);
        return new WeightCodes(store.Layout.ToRows(codes), store.Layout.ToRows(groups), scales, zeros) { Low = how.Range.Low, High = how.Range.High };
    }

    // [N, blocks, bytes]: the lower k in the lower bits; zero points packed row by row. ONNX Runtime, docs/ContribOperators.md.
    private WeightCodes ReadPacked(float[] scales)
    {
        var (rows, columns) = (store.Layout.Rows[0], store.Layout.Rows[1]);
        var blocks = (columns + how.Block - 1) / how.Block;
        var bytes = model.Read(_tensor).ToBytes();
        Refuse(bytes.Length != rows * blocks * (how.Block * how.PackedBits / 8), $"{bytes.Length} bytes of codes");
        Refuse(scales.Length != rows * blocks, $"{scales.Length} scales for {rows * blocks} blocks");
        var zeros = PackedZeros(rows, blocks);
        var (codes, groups) = (new int[rows * columns], new int[rows * columns]);
        for (long i = 0; i < codes.Length; i++)
        {
            var (row, k) = Math.DivRem(i, columns);
            var (block, inside) = Math.DivRem(k, how.Block);
            groups[i] = (int)((row * blocks) + block);
            codes[i] = Packed(bytes, groups[i] * (how.Block * how.PackedBits / 8), inside);
        }

        return new WeightCodes(codes, groups, scales, zeros) { Low = 0, High = how.Range.High, KeepsSign = how.Zero is null };
    }

    private int[] PackedZeros(long rows, long blocks)
    {
        var zeros = new int[rows * blocks];
        Array.Fill(zeros, 1 << (how.PackedBits - 1));
        if (how.Zero is null)
            return zeros;

        var bytes = model.Read(how.Zero).ToBytes();
        var stride = ((blocks * how.PackedBits) + 7) / 8;
        Refuse(bytes.Length != rows * stride, $"{bytes.Length} bytes of zero points");
        for (var i = 0; i < zeros.Length; i++)
            zeros[i] = Packed(bytes, i / blocks * stride, i % blocks);

        return zeros;
    }

    private int Packed(byte[] bytes, long start, long index)
    {
        var perByte = 8 / how.PackedBits;
        return (bytes[start + (index / perByte)] >> (int)(index % perByte * how.PackedBits)) & ((1 << how.PackedBits) - 1);
    }

    private int[] Rounded(int[] groups, float[] scales, int[] zeros)
    {
        var values = model.Read(_tensor).ToFloats();
        var codes = new int[values.Length];
        for (var i = 0; i < codes.Length; i++)
            codes[i] = WeightCodes.Code(values[i], scales[groups[i]] / store.Factor, zeros[groups[i]], how.Range);

        return codes;
    }

    private int[] Integers(TensorProto tensor, long count)
    {
        if ((DataType)tensor.DataType is not (DataType.Int4 or DataType.Uint4))
            return Array.ConvertAll(model.Read(tensor).ToFloats(), value => (int)value);

        // Two codes a byte, the first in the lower half; a stranger's tool may have used the integer field.
        var bytes = tensor.HasRawData ? tensor.RawData.ToByteArray() : [.. tensor.Int32Data.Select(value => (byte)value)];
        Refuse(bytes.Length != (count + 1) / 2, $"{bytes.Length} bytes for {count} codes of 4 bits");
        var codes = new int[count];
        for (var i = 0; i < codes.Length; i++)
        {
            var half = (bytes[i / 2] >> (i % 2 * 4)) & 15;
            codes[i] = (DataType)tensor.DataType == DataType.Int4 && half > 7 ? half - 16 : half;
        }

        return codes;
    }

    private void Refuse(bool isWrong, string what)
    {
        if (isWrong)
            throw new LoraOpsException(OnnxProblems.TensorInvalid(model.Path, _tensor.Name, $"is quantized with {what}"));
    }

    private static bool IsFloat(TensorProto tensor) =>
        (DataType)tensor.DataType is DataType.Float or DataType.Float16 or DataType.Bfloat16 or DataType.Double;
}
