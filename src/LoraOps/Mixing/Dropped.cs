using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>Changes rows in place.</summary>
/// <param name="first">The row of the first value.</param>
/// <param name="values">Whole rows.</param>
internal delegate void RowChange(int first, Span<double> values);

/// <summary>A delta of which elements were dropped at random, and how the rest makes up for them. Works its rows out when they are read.</summary>
internal sealed class Dropped : DeltaMatrix
{
    private const double Nothing = 1e-7;

    private readonly DeltaMatrix _delta;
    private readonly RowChange _drop;
    private readonly double _divisor = 1;
    private readonly double _factor = 1;

    private Dropped(DeltaMatrix delta, RowChange drop, double divisor, double factor)
        : base(delta.Rows, delta.Columns) => (_delta, _drop, _divisor, _factor) = (delta, drop, divisor, factor);

    /// <summary>Every element kept with the same probability (DARE, arXiv:2311.03099).</summary>
    /// <param name="delta">The delta.</param>
    /// <param name="settings">Density and rescaling, by default by the inverse of the density.</param>
    /// <param name="random">The numbers of this delta.</param>
    public static DeltaMatrix Evenly(DeltaMatrix delta, MixSettings settings, CounterRandom random)
    {
        var density = settings.Density!.Value;
        var rescale = settings.Rescale is null or Rescale.InverseProbability ? Rescale.InverseDensity : settings.Rescale.Value;
        return Of(delta, (first, values) => random.Drop(values, (long)first * delta.Columns, density), density, rescale);
    }

    /// <summary>Large elements of a row kept with a higher probability than small ones (DELLA, arXiv:2406.11617).</summary>
    /// <param name="delta">The delta.</param>
    /// <param name="settings">Density, epsilon and rescaling, by default by the inverse of each element's probability.</param>
    /// <param name="random">The numbers of this delta.</param>
    public static DeltaMatrix ByRank(DeltaMatrix delta, MixSettings settings, CounterRandom random)
    {
        var density = settings.Density!.Value;
        var rescale = settings.Rescale ?? Rescale.InverseProbability;
        var dropping = new RankedDropping(delta.Columns, (density, settings.Epsilon), random, rescale == Rescale.InverseProbability);
        return Of(delta, dropping.Drop, density, rescale);
    }

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        _delta.Read(first, values);
        _drop(first, values);
        if (_divisor != 1)
            TensorPrimitives.Divide(values, _divisor, values);

        if (_factor != 1)
            TensorPrimitives.Multiply(values, _factor, values);
    }

    private static DeltaMatrix Of(DeltaMatrix delta, RowChange drop, double density, Rescale rescale) =>
        density >= 1 ? delta
        : density <= 0 ? LowRank.Zero(delta.Rows, delta.Columns)
        : new Dropped(delta, drop, rescale == Rescale.InverseDensity ? density : 1, rescale == Rescale.L1 ? MassRatio(delta, drop) : 1);

    // The sum of magnitudes before and after; row sums are added in the order of the rows, whatever the tiles.
    private static double MassRatio(DeltaMatrix delta, RowChange drop)
    {
        var (before, after) = (0.0, 0.0);
        Tiles.Read(delta, (values, index) =>
        {
            before = Mass(values, delta.Columns, before);
            drop((int)(index / delta.Columns), values);
            after = Mass(values, delta.Columns, after);
            return true;
        });
        return before < Nothing || after < Nothing ? 1 : before / after;
    }

    private static double Mass(ReadOnlySpan<double> values, int columns, double sum)
    {
        for (var at = 0; at < values.Length; at += columns)
            sum += Magnitudes.Sum(values.Slice(at, columns));

        return sum;
    }
}
