namespace LoraOps.Mixing;

/// <summary>
/// The way from one delta to another along the arc between them: [sin((1−t)θ)·v₀ + sin(tθ)·v₁] / sin θ for every group,
/// θ the angle between the parts of v₀ and v₁ in it; (1−t)·v₀ + t·v₁ where one is 0 or the arc is as good as a line.
/// </summary>
internal static class Interpolation
{
    /// <summary>True where the straight line is taken, by the cosine and the sine of the angle.</summary>
    internal delegate bool Straight(double cosine, double sine);

    /// <summary>The point at t of a module's two adapters; one that does not hold the module counts as 0.</summary>
    public static DeltaMatrix Between(MixModule module, double t, Granularity granularity, Straight straight)
    {
        if (module.Shares is [var only])
            return SummedDelta.Of([(only.Position == 0 ? 1 - t : t, only.Delta)]);

        DeltaMatrix[] deltas = [module.Shares[0].Delta, module.Shares[1].Delta];
        var small = Coordinates.Of(deltas, granularity);
        var products = InnerProducts.Of(small, granularity);
        var (first, second, both) = (products[0, 0], products[1, 1], products[0, 1]);
        var sines = Sines(small, products, granularity);
        var (one, other) = (new double[both.Length], new double[both.Length]);
        for (var group = 0; group < both.Length; group++)
        {
            var norms = Math.Sqrt(first[group]) * Math.Sqrt(second[group]);
            var cosine = norms > 0 ? Math.Clamp(both[group] / norms, -1, 1) : 0;
            (one[group], other[group]) = norms > 0 && !straight(cosine, sines[group]) ? Arced(t, cosine, sines[group]) : (1 - t, t);
        }

        return GroupedSum.Of(deltas, [one, other], granularity);
    }

    // √(1 − cos²) loses half the digits beside 0 and π, and there the coefficients are large: measured on what v₁ has not of v₀.
    private static double[] Sines(IReadOnlyList<DeltaMatrix> deltas, InnerProducts products, Granularity granularity)
    {
        var (first, second, both) = (products[0, 0], products[1, 1], products[0, 1]);
        var along = both.Select((product, group) => first[group] > 0 ? -product / first[group] : 0).ToArray();
        var ones = new double[both.Length];
        Array.Fill(ones, 1);
        var rest = InnerProducts.Of([GroupedSum.Of(deltas, [along, ones], granularity)], granularity)[0, 0];
        return [.. rest.Select((square, group) => second[group] > 0 ? Math.Sqrt(square) / Math.Sqrt(second[group]) : 0)];
    }

    private static (double First, double Second) Arced(double t, double cosine, double sine)
    {
        var angle = Arc.Of(cosine, sine);
        return (Arc.Sine((1 - t) * angle) / sine, Arc.Sine(t * angle) / sine);
    }
}
