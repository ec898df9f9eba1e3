using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Merging;

/// <summary>
/// A weight whose rows are decoded to float32, changed by any deltas and rounded. What is stored transposed is one block,
/// because a row of PyTorch's layout is spread over all of it.
/// </summary>
internal sealed class RowBlocks(TensorChange change, MergeArithmetic arithmetic, long blockRows, Targets targets)
    : TensorBlocks(change.ByteLength, blockRows * change.RowBytes)
{
    // What a second-level cache holds beside what the deltas need.
    private const int CachedElements = 1 << 16;

    private RowUpdate[] _updates = [];

    /// <inheritdoc/>
    public override long PreparedBytes => Prepared(change);

    /// <summary>The rows that are made together: a multiple of them is a block.</summary>
    public static long RowGroup(TensorChange change)
    {
        var rows = change.Shape.ElementCount / Math.Max(1, change.Columns);
        if (change.IsTransposed)
            return Math.Max(1, rows);

        var group = change.Additions.Select(addition => addition.Module.Delta.RowGroupOf(change.Layout)).Aggregate(1L, LeastCommonMultiple);
        return Math.Clamp(group, 1, Math.Max(1, rows));
    }

    /// <summary>The memory of one element of a block while it is made: stored, decoded, and what the deltas need to see.</summary>
    public static int ElementBytes(TensorChange change, MergeArithmetic arithmetic)
    {
        var copies = 1 + (NeedsWeight(change) ? 1 : 0) + (change.IsTransposed || arithmetic == MergeArithmetic.Peft ? 1 : 0);
        return (change.Type.Bits() / 8) + (copies * sizeof(float));
    }

    /// <summary>The memory that the deltas take when they are prepared: a product's factors also packed, or in float64.</summary>
    public static long Prepared(TensorChange change) =>
        change.Additions.Sum(addition =>
            (change.Start.IsExact && !addition.Module.Delta.IsProduct ? 1 : 3) * addition.Module.Delta.PreparedBytes(change.Layout));

    /// <inheritdoc/>
    public override void Prepare() =>
        _updates = [.. change.Additions.Select(addition => addition.Module.Delta.Prepare(targets.Of(change, addition)))];

    /// <inheritdoc/>
    public override void Release() => _updates = [];

    /// <inheritdoc/>
    /// <remarks>Piece by piece, because each is gone through several times.</remarks>
    public override void Fill(long offset, Span<byte> bytes, Scratch scratch)
    {
        var group = RowGroup(change) * change.RowBytes;
        var cached = CachedElements * change.Type.Bits() / 8;
        var piece = change.Start.IsExact ? (int)Math.Min(bytes.Length, Math.Max(1, cached / group) * group) : bytes.Length;
        for (var at = 0; at < bytes.Length; at += piece)
            FillPiece(offset + at, bytes[at..Math.Min(bytes.Length, at + piece)], scratch);

        if (!FiniteCheck.AllFinite(change.Type, bytes))
            throw new LoraOpsException(MergeProblems.NotFinite(targets.BasePath, change.Name, change.Type.Name()));
    }

    private void FillPiece(long offset, Span<byte> bytes, Scratch scratch)
    {
        var first = offset / (change.Type.Bits() / 8);
        var rows = scratch.Floats(0, bytes.Length / (change.Type.Bits() / 8));
        change.Start.ReadFloats(first, rows);
        if (change.IsTransposed)
            rows = Transposed(rows, scratch, 2, fromStored: true);

        var weight = NeedsWeight(change) ? scratch.Floats(1, rows.Length) : [];
        for (var index = 0; index < _updates.Length; index++)
        {
            // The exact sum starts from the base; PEFT's next adapter sees what the one before left.
            if (index == 0 || arithmetic == MergeArithmetic.Peft)
                rows[..weight.Length].CopyTo(weight);

            Add(index, first / change.Columns, rows, weight, scratch);
        }

        if (change.IsTransposed)
            rows = Transposed(rows, scratch, 0, fromStored: false);

        Encode(first, rows, bytes);
    }

    /// <inheritdoc/>
    public override void FillChange(long offset, Span<float> values, Scratch scratch)
    {
        var first = offset / (change.Type.Bits() / 8);
        var weight = scratch.Floats(0, values.Length);
        change.Start.ReadFloats(first, weight);
        if (change.IsTransposed)
            weight = Transposed(weight, scratch, 2, fromStored: true);

        var rows = change.IsTransposed ? scratch.Floats(1, values.Length) : values;
        rows.Clear();
        foreach (var (addition, update) in change.Additions.Zip(_updates).OrderBy(pair => pair.First.Module.Delta.Replaces))
        {
            var delta = addition.Module.Delta;
            if (delta.Replaces)
                TensorPrimitives.Add(rows, weight, rows);

            update.AddTo(first / change.Columns, rows, delta.NeedsWeight ? weight : [], (float)addition.Source.Weight);
            if (delta.Replaces)
                TensorPrimitives.Subtract(rows, weight, rows);
        }

        if (change.IsTransposed)
            Transposed(rows, scratch, 0, fromStored: false).CopyTo(values);
    }

    private void Add(int index, long firstRow, Span<float> rows, ReadOnlySpan<float> weight, Scratch scratch)
    {
        var (delta, factor) = (change.Additions[index].Module.Delta, (float)change.Additions[index].Source.Weight);
        var seen = delta.NeedsWeight ? weight : [];
        if (arithmetic == MergeArithmetic.Peft && delta is { Layer: LayerKind.Embedding, NeedsWeight: false, Replaces: false })
        {
            // PEFT rounds the delta of an embedding before it adds it.
            var rounded = scratch.Floats(2, rows.Length);
            rounded.Clear();
            _updates[index].AddTo(firstRow, rounded, seen, factor);
            Rounding.Through(change.Type, rounded);
            TensorPrimitives.Add(rows, rounded, rows);
        }
        else if (arithmetic == MergeArithmetic.Exact && !change.Start.IsExact && _updates[index] is ProductUpdate product)
        {
            product.AddFinely(firstRow, rows, factor);
        }
        else
        {
            _updates[index].AddTo(firstRow, rows, seen, factor);
        }

        if (arithmetic == MergeArithmetic.Peft)
            Rounding.Through(change.Type, rows);
    }

    // float32 is too coarse for a float64 base: what changed is added to the stored value, and the rest stays as it is.
    private void Encode(long first, Span<float> rows, Span<byte> bytes)
    {
        if (change.Type != ElementType.F64 || change.Start.Type != ElementType.F64)
        {
            ElementCodec.Encode(change.Type, rows, bytes);
            return;
        }

        var values = MemoryMarshal.Cast<byte, double>(bytes);
        change.Start.ReadBytes(first * sizeof(double), bytes);
        for (var index = 0; index < values.Length; index++)
            values[index] += (double)rows[index] - (float)values[index];
    }

    private Span<float> Transposed(Span<float> values, Scratch scratch, int slot, bool fromStored)
    {
        var (rows, columns) = ((int)change.Shape[0], (int)change.Shape[1]);
        var result = scratch.Floats(slot, values.Length);
        Transposition.Transpose(values, fromStored ? rows : columns, fromStored ? columns : rows, result);
        return result;
    }

    private static bool NeedsWeight(TensorChange change) => change.Additions.Exists(addition => addition.Module.Delta.NeedsWeight);

    private static long LeastCommonMultiple(long a, long b)
    {
        var (x, y) = (a, b);
        while (y != 0)
            (x, y) = (y, x % y);

        return a / x * b;
    }
}
