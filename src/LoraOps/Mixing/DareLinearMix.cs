namespace LoraOps.Mixing;

/// <summary>Drops elements of each delta at random and adds.</summary>
public sealed class DareLinearMix : MixMethod
{
    /// <inheritdoc/>
    public override string Name => "dare-linear";

    /// <inheritdoc/>
    public override string Definition => "λ·Σ w·x, x = Δ / density with probability density, else 0; normalize as for linear";

    /// <inheritdoc/>
    public override string Source => "DARE, arXiv:2311.03099";

    /// <inheritdoc/>
    public override string Cost => "2·R·m·n and m·n·T random numbers a reading; l1: two readings";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["density", "seed", "rescale", "normalize", "lambda"];

    /// <inheritdoc/>
    public override bool NeedsDensity => true;

    /// <inheritdoc/>
    public override bool GivesFullRank => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) =>
        LinearMix.Of(module.With((share, random) => Dropped.Evenly(share.Delta, settings, random), settings.Seed), settings);
}
