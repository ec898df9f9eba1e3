using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Adapters;

namespace LoraOps.Deltas;

/// <summary>ΔW computed a few rows at a time, which stay in a second-level cache; a row is the same bits in whatever block it comes.</summary>
/// <param name="columns">The length of a row.</param>
/// <param name="scratch">How many more elements the computation of each row needs.</param>
internal abstract class ComputedBlocks(int columns, int scratch = 0) : RowUpdate
{
    private const int CachedFloats = 1 << 16;
    private const int MostRows = 64;

    // The kernel takes four rows at a time.
    private readonly int _rowsAtOnce = Math.Clamp(CachedFloats / Math.Max(1, columns + scratch) / 4 * 4, 4, MostRows);

    /// <summary>The length of a row.</summary>
    protected int Columns => columns;

    /// <inheritdoc/>
    public sealed override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
    {
        var most = Math.Min(_rowsAtOnce, rows.Length / columns);
        var buffer = ArrayPool<float>.Shared.Rent(checked(most * (columns + scratch)));
        try
        {
            for (int at = 0, length; at < rows.Length; at += length)
            {
                length = Math.Min(most * columns, rows.Length - at);
                var count = length / columns;
                var delta = buffer.AsSpan(0, length);
                var seen = weight.IsEmpty ? weight : weight.Slice(at, length);
                Compute(first + (at / columns), delta, seen, buffer.AsSpan(length, count * scratch));
                var target = rows.Slice(at, length);
                TensorPrimitives.FusedMultiplyAdd(delta, factor, target, target);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    /// <summary>Computes consecutive rows.</summary>
    /// <param name="first">The index of the first.</param>
    /// <param name="delta">Receives ΔW's rows; holds anything before.</param>
    /// <param name="weight">The base weight's rows; empty unless the delta needs them.</param>
    /// <param name="scratch">Working memory.</param>
    protected abstract void Compute(long first, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch);
}
