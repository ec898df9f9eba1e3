namespace LoraOps.Mixing;

/// <summary>Drops the largest and the smallest elements of each delta and adds.</summary>
public sealed class BreadcrumbsMix : MixMethod
{
    /// <inheritdoc/>
    public override string Name => "breadcrumbs";

    /// <inheritdoc/>
    public override string Definition => "λ·Σ w·x, x the ⌊density·N⌋ largest of Δ after the first ⌊gamma·N⌋";

    /// <inheritdoc/>
    public override string Source => "Model Breadcrumbs, arXiv:2312.06795";

    /// <inheritdoc/>
    public override string Cost => "6·R·m·n to cut twice and read in tiles";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["density", "gamma", "lambda"];

    /// <inheritdoc/>
    public override bool NeedsDensity => true;

    /// <inheritdoc/>
    public override bool GivesFullRank => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) =>
        LinearMix.Of(
            module.With(share => Banded.By(share.Delta, settings.Density!.Value, settings.Gamma)),
            settings with { Normalize = false });
}
