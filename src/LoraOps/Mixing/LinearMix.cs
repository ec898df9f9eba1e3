namespace LoraOps.Mixing;

/// <summary>The weighted sum, divided by the sum of the weights if wanted.</summary>
public sealed class LinearMix : MixMethod
{
    private const double Nothing = 1e-8;

    /// <inheritdoc/>
    public override string Name => "linear";

    /// <inheritdoc/>
    public override string Definition => "λ·Σ w·Δ, normalize: divided by Σ w of the owners (by 1 where that is 0)";

    /// <inheritdoc/>
    public override string Source => "mergekit linear, arXiv:2203.05482";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R copied";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["normalize", "lambda"];

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) => Of(module, settings);

    /// <summary>λ·Σ w·Δ, normalized if the settings say so; a sum of weights below 1e-8 divides by nothing.</summary>
    internal static DeltaMatrix Of(MixModule module, MixSettings settings)
    {
        var sum = settings.Normalize ? module.Shares.Sum(share => share.Weight) : 1;
        var divisor = Math.Abs(sum) < Nothing ? 1 : sum;
        return SummedDelta.Of([.. module.Shares.Select(share => (share.Weight, share.Delta))], settings.Lambda / divisor);
    }
}
