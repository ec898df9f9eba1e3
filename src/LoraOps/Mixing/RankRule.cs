namespace LoraOps.Mixing;

/// <summary>How many singular values are kept: the fewest that hold the energy, at most the rank. Neither: all, nothing is cut.</summary>
/// <param name="Rank">The most that are kept; null: any number.</param>
/// <param name="Energy">The least share of the squared singular values that is kept, above 0 to 1; null: all of it, or what the rank holds.</param>
public sealed record RankRule(int? Rank = null, double? Energy = null)
{
    /// <summary>Nothing is cut.</summary>
    public static RankRule Exact { get; } = new();

    /// <summary>The rule of a mix.</summary>
    public static RankRule Of(MixSettings settings) => new(settings.Rank, settings.Energy);

    /// <summary>True if nothing is cut.</summary>
    public bool IsExact => Rank is null && Energy is null;

    /// <summary>How many singular values are kept.</summary>
    /// <param name="sigma">The singular values, largest first.</param>
    /// <param name="energy">The sum of all their squares, also of those that are not in the list.</param>
    public int Of(ReadOnlySpan<double> sigma, double energy)
    {
        var most = Math.Min(sigma.Length, Rank ?? int.MaxValue);
        if (Energy is not { } share)
            return most;

        // The last bits of a sum must not ask for a direction more.
        var (wanted, held) = (share * energy * (1 - 1e-14), 0.0);
        for (var count = 0; count < most; count++)
        {
            if (held >= wanted)
                return count;

            held += sigma[count] * sigma[count];
        }

        return most;
    }
}
