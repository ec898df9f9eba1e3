namespace LoraOps.Mixing;

/// <summary>Prunes each delta by magnitude and adds.</summary>
public sealed class MagnitudePruneMix : MixMethod
{
    /// <inheritdoc/>
    public override string Name => "magnitude-prune";

    /// <inheritdoc/>
    public override string Definition => "λ · Σ w·x, x the ⌊density·N⌋ largest elements of Δ";

    /// <inheritdoc/>
    public override string Source => "PEFT magnitude_prune; TIES-Merging's trimming, arXiv:2306.01708";

    /// <inheritdoc/>
    public override string Cost => "4·R·m·n to cut and read in tiles";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["density", "lambda"];

    /// <inheritdoc/>
    public override bool NeedsDensity => true;

    /// <inheritdoc/>
    public override bool GivesFullRank => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) =>
        LinearMix.Of(module.With(share => Pruned.By(share.Delta, settings.Density!.Value)), settings with { Normalize = false });
}
