namespace LoraOps.Mixing;

/// <summary>Cuts a delta to a rank or to a share of its energy: the best approximation of its rank in the Frobenius norm (Eckart–Young).</summary>
public static class Truncation
{
    /// <summary>The delta as two factors.</summary>
    /// <param name="delta">Any delta. A product of factors is never formed.</param>
    /// <param name="rule">What is kept. Exact: a product stays what it is, and any other delta becomes its elements times an identity.</param>
    public static Truncated Of(DeltaMatrix delta, RankRule rule)
    {
        if (rule.IsExact && delta is LowRank whole && whole.Rank <= Math.Min(whole.Rows, whole.Columns))
        {
            using var own = new ThinSpectrum(whole);
            var sigma = own.Sigma;
            return new Truncated(whole, SquaresFrom(sigma, 0), 0, sigma);
        }

        var product = delta as LowRank ?? Identity(delta);
        if (rule.IsExact && delta is not LowRank)
            return new Truncated(product, product.Rows < product.Columns ? Squares(product.A) : Squares(product.B), 0, []);

        using var spectrum = new ThinSpectrum(product);
        var energy = SquaresFrom(spectrum.Sigma, 0);
        var count = rule.Of(spectrum.Sigma, energy);
        var rest = SquaresFrom(spectrum.Sigma, count);
        return new Truncated(spectrum.Take(count).ToLowRank(), energy, rest > 0 ? Math.Sqrt(rest / energy) : 0, spectrum.Sigma[..count]);
    }

    // The elements times an identity, on the side where it is smaller: zeros stay zeros.
    private static LowRank Identity(DeltaMatrix delta)
    {
        var (rows, columns) = (delta.Rows, delta.Columns);
        var rank = Math.Min(rows, columns);
        var one = new double[checked(rank * rank)];
        for (var at = 0; at < rank; at++)
            one[(at * rank) + at] = 1;

        return columns <= rows
            ? new LowRank(delta.ToArray(), one, rank, (rows, columns))
            : new LowRank(one, delta.ToArray(), rank, (rows, columns));
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
