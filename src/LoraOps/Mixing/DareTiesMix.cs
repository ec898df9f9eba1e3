namespace LoraOps.Mixing;

/// <summary>Drops elements of each delta at random, elects signs and adds what agrees.</summary>
public sealed class DareTiesMix : MixMethod
{
    /// <inheritdoc/>
    public override string Name => "dare-ties";

    /// <inheritdoc/>
    public override string Definition => "λ·(Σ w·x of the elected sign) / divisor, x = Δ / density with probability density, else 0";

    /// <inheritdoc/>
    public override string Source => "DARE, arXiv:2311.03099, with the consensus of TIES";

    /// <inheritdoc/>
    public override string Cost => "2·R·m·n and m·n·T random numbers a reading; l1: two readings";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["density", "seed", "rescale", "majority_sign_method", "elect_on", "divisor", "lambda"];

    /// <inheritdoc/>
    public override bool NeedsDensity => true;

    /// <inheritdoc/>
    public override bool GivesFullRank => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) =>
        Consensus.Of(module.With((share, random) => Dropped.Evenly(share.Delta, settings, random), settings.Seed), settings);
}
