namespace LoraOps.Mixing;

/// <summary>A delta without its largest and its smallest elements (Model Breadcrumbs, arXiv:2312.06795), neither rescaled nor held.</summary>
internal sealed class Banded : DeltaMatrix
{
    private readonly DeltaMatrix _kept;
    private readonly MagnitudeCut _top;

    private Banded(DeltaMatrix kept, MagnitudeCut top)
        : base(kept.Rows, kept.Columns) => (_kept, _top) = (kept, top);

    /// <summary>What lies between the first and the last elements of the magnitude order.</summary>
    /// <param name="delta">The delta.</param>
    /// <param name="density">The share of elements that is kept, rounded down to a number.</param>
    /// <param name="gamma">The share of the largest elements that is dropped, likewise; less where few enough others are left.</param>
    public static DeltaMatrix By(DeltaMatrix delta, double density, double gamma)
    {
        var keep = density >= 1 ? delta.Count : (long)(density * delta.Count);
        if (keep <= 0)
            return LowRank.Zero(delta.Rows, delta.Columns);

        var top = Math.Min((long)(gamma * delta.Count), delta.Count - keep);
        var lower = Pruned.First(delta, keep + top);
        return top == 0 ? lower : new Banded(lower, MagnitudeOrder.CutAfter(delta, top));
    }

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        _kept.Read(first, values);
        _top.DropBefore(values, (long)first * Columns);
    }
}
