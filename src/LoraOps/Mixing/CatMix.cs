namespace LoraOps.Mixing;

/// <summary>The exact sum: the factors of all adapters one beside the other.</summary>
public sealed class CatMix : MixMethod
{
    /// <inheritdoc/>
    public override string Name => "cat";

    /// <inheritdoc/>
    public override string Definition => "Σ w·Δ, as factors [w·s·B …] and [A; …]";

    /// <inheritdoc/>
    public override string Source => "PEFT cat; LoRA Soups, arXiv:2410.13025";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R copied";

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) =>
        SummedDelta.Of([.. module.Shares.Select(share => (share.Weight, share.Delta))]);
}
