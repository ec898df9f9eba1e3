namespace LoraOps.Mixing;

/// <summary>Drops the largest and the smallest elements of each delta, elects signs and adds what agrees.</summary>
public sealed class BreadcrumbsTiesMix : MixMethod
{
    /// <inheritdoc/>
    public override string Name => "breadcrumbs-ties";

    /// <inheritdoc/>
    public override string Definition => "λ·(Σ w·x of the elected sign) / divisor, x the ⌊density·N⌋ largest of Δ after the first ⌊gamma·N⌋";

    /// <inheritdoc/>
    public override string Source => "Model Breadcrumbs, arXiv:2312.06795, with the consensus of TIES";

    /// <inheritdoc/>
    public override string Cost => "6·R·m·n to cut twice and read in tiles";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["density", "gamma", "majority_sign_method", "elect_on", "divisor", "lambda"];

    /// <inheritdoc/>
    public override bool NeedsDensity => true;

    /// <inheritdoc/>
    public override bool GivesFullRank => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) =>
        Consensus.Of(module.With(share => Banded.By(share.Delta, settings.Density!.Value, settings.Gamma)), settings);
}
