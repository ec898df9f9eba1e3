namespace LoraOps.Mixing;

/// <summary>By what the rank of a module is found from its singular values.</summary>
public enum RankMeasure
{
    /// <summary>None: the cap alone.</summary>
    Cap,

    /// <summary>How many values are above σ₁ / t.</summary>
    Ratio,

    /// <summary>The fewest values whose sum is at least t · Σσ.</summary>
    Cumulative,

    /// <summary>The fewest values whose root of squares is at least t · ‖σ‖.</summary>
    Frobenius,
}

/// <summary>
/// Which rank is left of a module: kohya's sv_ratio, sv_cumulative and sv_fro (sd-scripts' resize_lora), or the plain form of the same rules.
/// </summary>
/// <param name="Measure">What is measured.</param>
/// <param name="Parameter">t: from 1 for a ratio, above 0 to 1 for shares.</param>
/// <param name="Cap">The most; null: no limit.</param>
/// <param name="IsKohya">Clamp a measured rank to [1, n − 1] and add one, as kohya does; otherwise it is the rank, at least 1.</param>
public sealed record DynamicRank(RankMeasure Measure, double Parameter = 1, int? Cap = null, bool IsKohya = true)
{
    private const double Negligible = 1e-6;

    // The last bits of a sum must not ask for a direction more.
    private const double Slack = 1 - 1e-14;

    /// <summary>The rank.</summary>
    /// <param name="sigma">The singular values above rounding, largest first; from the cap on they may be missing.</param>
    /// <param name="smaller">The smaller dimension of the matrix, n.</param>
    /// <param name="energy">The sum of the squares of all singular values.</param>
    public int Of(IReadOnlyList<double> sigma, int smaller, double energy)
    {
        if (sigma.Count == 0 || (IsKohya && sigma[0] <= Negligible))
            return 1;

        var cap = Math.Min(Cap ?? smaller, smaller);
        var measured = Measure switch
        {
            RankMeasure.Ratio => sigma.Count(value => value > sigma[0] / Parameter),
            RankMeasure.Cumulative => Fewest(sigma, value => value, Parameter * sigma.Sum()),
            RankMeasure.Frobenius => Fewest(sigma, value => value * value, Parameter * Parameter * energy),
            _ => cap,
        };
        if (Measure != RankMeasure.Cap && IsKohya)
            measured = Math.Clamp(measured, 1, Math.Max(1, smaller - 1)) + 1;

        return Math.Clamp(measured, 1, cap);
    }

    private static int Fewest(IReadOnlyList<double> sigma, Func<double, double> term, double wanted)
    {
        var held = 0.0;
        for (var count = 0; count < sigma.Count; count++)
        {
            if (held >= wanted * Slack)
                return count;

            held += term(sigma[count]);
        }

        return sigma.Count;
    }
}
