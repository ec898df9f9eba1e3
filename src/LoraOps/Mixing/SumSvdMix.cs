namespace LoraOps.Mixing;

/// <summary>The best approximation of the sum that a rank or an energy allows; the truncation itself is done to the result.</summary>
public sealed class SumSvdMix : MixMethod
{
    /// <inheritdoc/>
    public override string Name => "sum-svd";

    /// <inheritdoc/>
    public override string Definition => "Σ w·Δ, then its largest singular parts (best in Frobenius norm)";

    /// <inheritdoc/>
    public override string Source => "Eckart and Young 1936; PEFT svd, kohya svd_merge_lora";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R² + R³, never m·n";

    /// <inheritdoc/>
    public override bool NeedsRank => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) =>
        SummedDelta.Of([.. module.Shares.Select(share => (share.Weight, share.Delta))]);
}
