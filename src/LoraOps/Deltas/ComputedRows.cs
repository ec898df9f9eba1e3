namespace LoraOps.Deltas;

/// <summary>ΔW computed one row at a time.</summary>
/// <param name="columns">The length of a row.</param>
/// <param name="scratch">How many more elements the computation of a row needs.</param>
internal abstract class ComputedRows(int columns, int scratch = 0) : ComputedBlocks(columns, scratch)
{
    /// <inheritdoc/>
    protected sealed override void Compute(long first, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch)
    {
        for (var at = 0; at < delta.Length; at += Columns, first++)
            ComputeRow(first, delta.Slice(at, Columns), weight.IsEmpty ? weight : weight.Slice(at, Columns), scratch);
    }

    /// <summary>Computes one row.</summary>
    /// <param name="row">Its index.</param>
    /// <param name="delta">Receives ΔW's row; holds anything before.</param>
    /// <param name="weight">The base weight's row; empty unless the delta needs it.</param>
    /// <param name="scratch">Working memory.</param>
    protected abstract void ComputeRow(long row, Span<float> delta, ReadOnlySpan<float> weight, Span<float> scratch);
}
