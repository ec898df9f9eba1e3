namespace LoraOps.Mixing;

/// <summary>A delta of which only the first elements of the magnitude order are kept, neither rescaled nor held.</summary>
public sealed class Pruned : DeltaMatrix
{
    private readonly DeltaMatrix _delta;
    private readonly MagnitudeCut _cut;

    private Pruned(DeltaMatrix delta, MagnitudeCut cut)
        : base(delta.Rows, delta.Columns) => (_delta, _cut) = (delta, cut);

    /// <summary>The largest elements of a delta; among equal ones those of the lowest flat indices.</summary>
    /// <param name="delta">The delta.</param>
    /// <param name="density">The share of elements that is kept, rounded down to a number; from 1 all.</param>
    /// <returns>The delta itself if all are kept.</returns>
    public static DeltaMatrix By(DeltaMatrix delta, double density) =>
        density >= 1 ? delta : First(delta, (long)(density * delta.Count));

    /// <summary>The first elements of the magnitude order.</summary>
    /// <param name="delta">The delta.</param>
    /// <param name="count">How many are kept.</param>
    internal static DeltaMatrix First(DeltaMatrix delta, long count) =>
        count >= delta.Count ? delta
        : count <= 0 ? LowRank.Zero(delta.Rows, delta.Columns)
        : new Pruned(delta, MagnitudeOrder.CutAfter(delta, count));

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        _delta.Read(first, values);
        _cut.KeepBefore(values, (long)first * Columns);
    }
}
