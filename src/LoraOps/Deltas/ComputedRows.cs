using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Adapters;

namespace LoraOps.Deltas;

/// <summary>ΔW computed one row at a time, so that a row is the same bits in whatever block it comes.</summary>
/// <param name="columns">The length of a row.</param>
/// <param name="scratch">How many more elements the computation of a row needs.</param>
internal abstract class ComputedRows(int columns, int scratch = 0) : RowUpdate
{
    /// <inheritdoc/>
    public sealed override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
    {
        var buffer = ArrayPool<float>.Shared.Rent(columns + scratch);
        try
        {
            var delta = buffer.AsSpan(0, columns);
            for (var at = 0; at < rows.Length; at += columns, first++)
            {
                Compute(first, delta, weight.IsEmpty ? weight : weight.Slice(at, columns), buffer.AsSpan(columns, scratch));
                var target = rows.Slice(at, columns);
                TensorPrimitives.FusedMultiplyAdd(delta, factor, target, target);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    /// <summary>Computes one row.</summary>
    /// <param name="row">Its index.</param>
    /// <param name="delta">Receives ΔW's row; holds anything before.</param>
    /// <param name="weight">The base weight's row; empty unless the delta needs it.</param>
    /// <param name="scratch">Working memory.</param>
    protected abstract void Compute(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch);
}
