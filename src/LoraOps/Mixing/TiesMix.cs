namespace LoraOps.Mixing;

/// <summary>Prunes each delta by magnitude, elects signs and adds what agrees.</summary>
public sealed class TiesMix : MixMethod
{
    /// <inheritdoc/>
    public override string Name => "ties";

    /// <inheritdoc/>
    public override string Definition => "λ · (Σ w·x of the elected sign) / divisor, x the ⌊density·N⌋ largest elements of Δ";

    /// <inheritdoc/>
    public override string Source => "TIES-Merging, arXiv:2306.01708";

    /// <inheritdoc/>
    public override string Cost => "6·R·m·n to cut and read in tiles, 16 bytes of 2 million elements held a worker";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["density", "lambda", "majority_sign_method", "elect_on", "divisor"];

    /// <inheritdoc/>
    public override bool NeedsDensity => true;

    /// <inheritdoc/>
    public override bool GivesFullRank => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) =>
        Consensus.Of(module.With(share => Pruned.By(share.Delta, settings.Density!.Value)), settings);
}
