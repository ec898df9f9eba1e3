namespace LoraOps.Mixing;

/// <summary>The directions of the sum, all equally strong.</summary>
public sealed class IsoCMix : MixMethod
{
    private const double Floor = 1e-10;

    /// <inheritdoc/>
    public override string Name => "iso-c";

    /// <inheritdoc/>
    public override string Definition => "Σ w·Δ = U·Σ·Vᵀ, then mean(σ₁…σₖ)·Uₖ·Vₖᵀ, k the number of σ > 1e-10·σ₁";

    /// <inheritdoc/>
    public override string Source => "Iso-C, arXiv:2502.04959";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R² + R³, never m·n (DoRA: R = min(m, n))";

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings)
    {
        var sum = SummedDelta.Of([.. module.Shares.Select(share => (share.Weight, share.Delta))]);
        var svd = ThinSvd.Of(ExactFactors.Of(sum, module, this));
        var count = svd.Sigma.Count(sigma => sigma > Floor * svd.Sigma[0]);
        var mean = count == 0 ? 0 : svd.Sigma.Take(count).Sum() / count;
        return new LowRank(Dense.Head(svd.U, svd.Rank, count), svd.V[..(count * svd.Columns)], count, (svd.Rows, svd.Columns), mean);
    }
}
