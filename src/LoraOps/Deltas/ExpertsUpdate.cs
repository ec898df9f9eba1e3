using LoraOps.Adapters;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Deltas;

/// <summary>One thin product for each expert; the rows of all experts lie below one another.</summary>
/// <param name="coefficients">[experts, rows, rank]</param>
/// <param name="basis">[experts, rank, columns]</param>
/// <param name="rank">The inner dimension.</param>
/// <param name="columns">The length of a row.</param>
/// <param name="scale">The factor of the products.</param>
internal sealed class ExpertsUpdate(float[] coefficients, float[] basis, int rank, int columns, double scale) : RowUpdate
{
    private readonly int _rowsOfOne = coefficients.Length / rank / (basis.Length / rank / columns);

    /// <inheritdoc/>
    public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
    {
        while (rows.Length > 0)
        {
            var (expert, row) = Math.DivRem(first, _rowsOfOne);
            var count = (int)Math.Min(_rowsOfOne - row, rows.Length / columns);
            LowRankUpdate.Add(
                rows[..(count * columns)],
                coefficients.AsSpan(checked((int)first * rank), count * rank),
                basis.AsSpan((int)expert * rank * columns, rank * columns),
                rank,
                (float)(scale * factor));
            rows = rows[(count * columns)..];
            first += count;
        }
    }
}
