namespace LoraOps.Mixing;

/// <summary>Two adapters, a way along the arc between them that their weights give.</summary>
public sealed class NuslerpMix : MixMethod
{
    private const double Nothing = 1e-8;

    /// <inheritdoc/>
    public override string Name => "nuslerp";

    /// <inheritdoc/>
    public override string Definition => "slerp with t = w₁/(w₀+w₁) (½ where the sum is 0); (1−t)·Δ₀ + t·Δ₁ where abs(sin θ) < 1e-8";

    /// <inheritdoc/>
    public override string Source => "mergekit nuslerp";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R², never m·n (DoRA: m·n read twice)";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["granularity"];

    /// <inheritdoc/>
    public override int? Adapters => 2;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings)
    {
        var sum = module.Weights[0] + module.Weights[1];
        var t = Math.Abs(sum) < Nothing ? 0.5 : module.Weights[1] / sum;
        return Interpolation.Between(module, t, settings.Granularity, (_, sine) => sine < Nothing);
    }
}
