using System.Buffers;
using System.Numerics.Tensors;

namespace LoraOps.Mixing;

/// <summary>Σ factor · Δ of deltas that are not all products of factors.</summary>
internal sealed class SummedDelta : DeltaMatrix
{
    private const int TileElements = 1 << 15;

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
        // A sum and what is added to it stay in the second-level cache.
        var rows = Tiles.Rows(TileElements, Columns, Rows);
        var tile = Math.Min(values.Length, rows * Columns);
        var pooled = ArrayPool<double>.Shared.Rent(tile);
        for (; !values.IsEmpty; first += rows)
        {
            var sum = values[..Math.Min(tile, values.Length)];
            Add(first, sum, pooled.AsSpan(0, sum.Length));
            values = values[sum.Length..];
        }

        ArrayPool<double>.Shared.Return(pooled);
    }

    private void Add(int first, Span<double> sum, Span<double> part)
    {
        sum.Clear();
        foreach (var (factor, delta) in _terms)
        {
            delta.Read(first, part);

            // Two roundings, and the factor last: a value and its opposite cancel exactly, as the definition has it.
            TensorPrimitives.MultiplyAdd(part, factor, sum, sum);
        }

        if (_factor != 1)
            TensorPrimitives.Multiply(sum, _factor, sum);
    }

    private static LowRank Stack(IReadOnlyList<(double Factor, LowRank Delta)> terms)
    {
        var (rows, columns) = (terms[0].Delta.Rows, terms[0].Delta.Columns);
        var kept = terms.Where(term => term.Factor * term.Delta.Scale != 0).ToList();
        if (kept is [var (alone, single)])
            return new LowRank(single.B, single.A, single.Rank, (rows, columns), single.Scale * alone);

        var rank = kept.Sum(term => term.Delta.Rank);
        var b = GC.AllocateUninitializedArray<double>(checked(rows * rank));
        var a = GC.AllocateUninitializedArray<double>(checked(rank * columns));
        var pooled = ArrayPool<double>.Shared.Rent(rows * kept.Select(term => term.Delta.Rank).DefaultIfEmpty(0).Max());
        var at = 0;
        foreach (var (factor, delta) in kept)
        {
            var scaled = pooled.AsSpan(0, rows * delta.Rank);
            delta.CopyB(scaled);
            TensorPrimitives.Multiply(scaled, delta.Scale * factor, scaled);
            for (var row = 0; row < rows; row++)
                scaled.Slice(row * delta.Rank, delta.Rank).CopyTo(b.AsSpan((row * rank) + at));

            delta.CopyA(a.AsSpan(at * columns, delta.Rank * columns));
            at += delta.Rank;
        }

        ArrayPool<double>.Shared.Return(pooled);
        return new LowRank(b, a, rank, (rows, columns));
    }
}
