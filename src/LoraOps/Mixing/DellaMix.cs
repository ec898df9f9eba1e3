namespace LoraOps.Mixing;

/// <summary>Drops elements of each delta at random, small ones rather than large ones of their row, elects signs and adds what agrees.</summary>
public sealed class DellaMix : MixMethod
{
    /// <inheritdoc/>
    public override string Name => "della";

    /// <inheritdoc/>
    public override string Definition => "λ·(Σ w·x of the elected sign) / divisor, x = Δ / p with probability p, density ± ε by rank in the row, else 0";

    /// <inheritdoc/>
    public override string Source => "DELLA-Merging, arXiv:2406.11617";

    /// <inheritdoc/>
    public override string Cost => "2·R·m·n, m·n·T random numbers and as many sorted in rows a reading; l1: two readings";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["density", "epsilon", "seed", "rescale", "majority_sign_method", "elect_on", "divisor", "lambda"];

    /// <inheritdoc/>
    public override bool NeedsDensity => true;

    /// <inheritdoc/>
    public override bool GivesFullRank => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) =>
        Consensus.Of(module.With((share, random) => Dropped.ByRank(share.Delta, settings, random), settings.Seed), settings);
}
