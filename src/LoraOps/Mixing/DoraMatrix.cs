using System.Buffers;

namespace LoraOps.Mixing;

/// <summary>Reads canonical rows of a base weight; may be called from several threads.</summary>
/// <param name="first">The first row.</param>
/// <param name="values">Receives whole rows.</param>
internal delegate void RowReader(int first, Span<double> values);

/// <summary>
/// A DoRA adapter's true delta against the original base: Δ = m · V / ‖V‖ − W, row by row, with V = W + s · B · A
/// (arXiv:2402.09353).
/// </summary>
internal sealed class DoraMatrix : DeltaMatrix
{
    private readonly LowRank _factors;
    private readonly float[] _magnitude;
    private readonly RowReader _weight;
    private readonly Func<long, Exception> _zeroNorm;

    /// <summary>The delta of one module.</summary>
    /// <param name="factors">The low-rank part, canonical.</param>
    /// <param name="magnitude">[rows]: the trained norms.</param>
    /// <param name="weight">Reads rows of the base weight, canonical.</param>
    /// <param name="zeroNorm">What is wrong with a row of zeros.</param>
    public DoraMatrix(LowRank factors, float[] magnitude, RowReader weight, Func<long, Exception> zeroNorm)
        : base(factors.Rows, factors.Columns) => (_factors, _magnitude, _weight, _zeroNorm) = (factors, magnitude, weight, zeroNorm);

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        var pooled = ArrayPool<double>.Shared.Rent(values.Length);
        var weight = pooled.AsSpan(0, values.Length);
        _weight(first, weight);
        _factors.Read(first, values);
        for (var row = first; !values.IsEmpty; row++, values = values[Columns..], weight = weight[Columns..])
        {
            var delta = values[..Columns];
            var w = weight[..Columns];
            var squares = 0.0;
            for (var column = 0; column < Columns; column++)
            {
                var v = w[column] + delta[column];
                squares += v * v;
            }

            if (!(squares > 0))
                throw _zeroNorm(row);

            // gain · (W + Δ) − W with the part that cancels taken out first.
            var gain = _magnitude[row] / Math.Sqrt(squares);
            for (var column = 0; column < Columns; column++)
                delta[column] = (gain * delta[column]) + ((gain - 1) * w[column]);
        }

        ArrayPool<double>.Shared.Return(pooled);
    }
}
