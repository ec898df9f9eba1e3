namespace LoraOps.Mixing;

/// <summary>
/// Cuts a large dense matrix to a rank or an energy. The error that is told is that of the factors themselves, to the rounding of
/// float32 (what is kept is a projection, so squares add up). How near it is to the best possible one is estimated: steps go on
/// until the squares that further steps would gain, by the rate at which the last two gained, are under half a percent of those
/// that are lost. On every spectrum tried that leaves the error within 0.5 % of the best one; it is not a bound.
/// </summary>
internal static class RandomizedSvd
{
    // Directions beyond the rank that is wanted.
    private const int Oversampling = 8;

    // The directions of a step where only an energy is wanted.
    private const int Usual = 32;

    // The first counts no power; then at least two, at most eight once what is wanted can be held.
    private const int LeastSteps = 3;
    private const int MostSteps = 9;

    private const double Tolerance = 5e-3;

    // What float32 does not tell from nothing.
    private const double Nothing = 1e-13;

    /// <summary>The best factors that are found.</summary>
    /// <param name="matrix">The matrix.</param>
    /// <param name="rule">Not the exact one.</param>
    /// <exception cref="ArgumentException">An element is not finite.</exception>
    public static Truncated Of(FloatMatrix matrix, RankRule rule)
    {
        using var krylov = new BlockKrylov(matrix, (rule.Energy is null ? rule.Rank ?? Usual : Math.Min(rule.Rank ?? Usual, Usual)) + Oversampling);
        var (known, able) = (new List<double[]>(), 0);
        while (krylov.Energy > 0 && able < MostSteps)
        {
            var more = krylov.Grow();
            if (more && !CanHold(krylov, rule))
                continue;

            var sigma = krylov.Solve();
            known.Add(sigma);
            var count = rule.Of(sigma, krylov.Energy);
            if (!more || count == krylov.Count)
            {
                if (!more)
                    break;

                continue;
            }

            able++;
            if (known.Count >= LeastSteps && Gain(known, count) <= Tolerance * Lost(sigma, count, krylov))
                break;
        }

        return Cut(krylov, rule, known);
    }

    private static Truncated Cut(BlockKrylov krylov, RankRule rule, List<double[]> known)
    {
        double[] sigma = known.Count == 0 ? [] : known[^1];
        var count = rule.Of(sigma, krylov.Energy);
        var svd = krylov.Take(count);
        var error = krylov.Energy > 0 ? Math.Sqrt(Lost(sigma, count, krylov) / krylov.Energy) : 0;
        return new Truncated(svd.ToLowRank(), krylov.Scaled(krylov.Energy), error, svd.Sigma);
    }

    private static bool CanHold(BlockKrylov krylov, RankRule rule) =>
        rule.Energy is not { } share || krylov.Captured >= share * krylov.Energy || krylov.Count > rule.Rank;

    // The squares beside the first directions: in the others, and in none.
    private static double Lost(double[] sigma, int count, BlockKrylov krylov)
    {
        var lost = Math.Max(0, krylov.Energy - krylov.Captured);
        if (lost <= Nothing * krylov.Energy)
            lost = 0;

        return lost + Squares(sigma, count, sigma.Length);
    }

    // What is still to be gained if the gains go on as the last two did.
    private static double Gain(List<double[]> known, int count)
    {
        var last = Squares(known[^1], 0, count) - Squares(known[^2], 0, count);
        var before = Squares(known[^2], 0, count) - Squares(known[^3], 0, count);
        var rate = before > 0 ? Math.Clamp(last / before, 0, 0.9) : 0;
        return Math.Max(0, last) * rate / (1 - rate);
    }

    private static double Squares(double[] sigma, int first, int end)
    {
        var sum = 0.0;
        for (var at = Math.Min(end, sigma.Length) - 1; at >= first; at--)
            sum += sigma[at] * sigma[at];

        return sum;
    }
}
