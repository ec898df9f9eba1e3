namespace LoraOps.Mixing;

/// <summary>Cuts a delta to a rank or to a share of its energy: the best approximation of its rank in the Frobenius norm (Eckart–Young).</summary>
public static class Truncation
{
    // Matrices up to this many rows or columns are cut exactly.
    private const int Small = 256;

    /// <summary>The delta as two factors.</summary>
    /// <param name="delta">
    /// Any delta. A product of factors is never formed. Any other is worked out once: exactly in float64 if its rows or columns are 256 at
    /// most, else as float32 in memory, where the error is at most half a percent above the best possible one by estimate (<see cref="RandomizedSvd"/>).
    /// </param>
    /// <param name="rule">What is kept. Exact: a product stays what it is, and any other delta becomes its elements times an identity.</param>
    /// <exception cref="ArgumentException">An element is not finite.</exception>
    public static Truncated Of(DeltaMatrix delta, RankRule rule) => Of(delta, rule, null);

    /// <summary>The same in memory that is used again.</summary>
    internal static Truncated Of(DeltaMatrix delta, RankRule rule, FloatRoom? room)
    {
        var most = Math.Min(delta.Rows, delta.Columns);
        if (delta is LowRank product)
            return rule.IsExact && product.Rank <= most ? Whole(product) : Cut(product, rule);

        if (rule.Energy is null ? rule.Rank is null || rule.Rank >= most : rule.Energy >= 1 && rule.Rank is null && most > Small)
        {
            var whole = ExactFactors.Of(delta);
            return new Truncated(whole, Squares(delta.Rows < delta.Columns ? whole.A : whole.B), 0, []);
        }

        if (most <= Small)
            return Cut(ExactFactors.Of(delta), rule);

        if (room is null || delta is FloatMatrix)
            return RandomizedSvd.Of(FloatMatrix.Of(delta), rule);

        var values = room.Take(checked(delta.Rows * delta.Columns));
        var cut = RandomizedSvd.Of(FloatMatrix.Of(delta, values), rule);
        room.Give(values);
        return cut;
    }

    private static Truncated Whole(LowRank product)
    {
        using var spectrum = new ThinSpectrum(product);
        return new Truncated(product, SquaresFrom(spectrum.Sigma, 0), 0, spectrum.Sigma);
    }

    private static Truncated Cut(LowRank product, RankRule rule)
    {
        using var spectrum = new ThinSpectrum(product);
        var energy = SquaresFrom(spectrum.Sigma, 0);
        var count = rule.Of(spectrum.Sigma, energy);
        var rest = SquaresFrom(spectrum.Sigma, count);
        return new Truncated(spectrum.Take(count).IntoLowRank(), energy, rest > 0 ? Math.Sqrt(rest / energy) : 0, spectrum.Sigma[..count]);
    }

    // From the smallest, so that nothing is lost beside the largest.
    private static double SquaresFrom(ReadOnlySpan<double> sigma, int first)
    {
        var sum = 0.0;
        for (var at = sigma.Length - 1; at >= first; at--)
            sum += sigma[at] * sigma[at];

        return sum;
    }

    private static double Squares(double[] values)
    {
        var sum = 0.0;
        foreach (var value in values)
            sum += value * value;

        return sum;
    }
}
