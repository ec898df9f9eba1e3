using System.Buffers;
using System.Numerics.Tensors;

namespace LoraOps.Mixing;

/// <summary>Σ factor · Δ of deltas that are not all products of factors.</summary>
internal sealed class SummedDelta : DeltaMatrix
{
    private readonly IReadOnlyList<(double Factor, DeltaMatrix Delta)> _terms;
    private readonly double _factor;

    private SummedDelta(IReadOnlyList<(double Factor, DeltaMatrix Delta)> terms, double factor)
        : base(terms[0].Delta.Rows, terms[0].Delta.Columns) => (_terms, _factor) = (terms, factor);

    /// <summary>The sum: factors one beside the other where all are products (exact, nothing is formed), else worked out when read.</summary>
    /// <param name="terms">The factors and deltas, at least one, all of one size.</param>
    /// <param name="factor">The factor of the sum.</param>
    public static DeltaMatrix Of(IReadOnlyList<(double Factor, DeltaMatrix Delta)> terms, double factor = 1) =>
        terms.All(term => term.Delta is LowRank)
            ? Stack([.. terms.Select(term => (factor * term.Factor, (LowRank)term.Delta))])
            : new SummedDelta(terms, factor);

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        var pooled = ArrayPool<double>.Shared.Rent(values.Length);
        values.Clear();
        foreach (var (factor, delta) in _terms)
        {
            var part = pooled.AsSpan(0, values.Length);
            delta.Read(first, part);
            // Two roundings, and the factor last: a value and its opposite cancel exactly, as the definition has it.
            TensorPrimitives.MultiplyAdd(part, factor, values, values);
        }

        if (_factor != 1)
            TensorPrimitives.Multiply(values, _factor, values);

        ArrayPool<double>.Shared.Return(pooled);
    }

    private static LowRank Stack(IReadOnlyList<(double Factor, LowRank Delta)> terms)
    {
        var (rows, columns) = (terms[0].Delta.Rows, terms[0].Delta.Columns);
        var kept = terms.Where(term => term.Factor * term.Delta.Scale != 0).ToList();
        var rank = kept.Sum(term => term.Delta.Rank);
        var (b, a) = (new double[checked(rows * rank)], new double[checked(rank * columns)]);
        var at = 0;
        foreach (var (factor, delta) in kept)
        {
            var scaled = delta.ScaledB(factor);
            for (var row = 0; row < rows; row++)
                scaled.AsSpan(row * delta.Rank, delta.Rank).CopyTo(b.AsSpan((row * rank) + at));

            delta.A.CopyTo(a.AsSpan(at * columns));
            at += delta.Rank;
        }

        return new LowRank(b, a, rank, (rows, columns));
    }
}
