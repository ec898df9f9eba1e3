namespace LoraOps.Mixing;

/// <summary>Two adapters, a way along the arc between them; weights are not used.</summary>
public sealed class SlerpMix : MixMethod
{
    private const double Parallel = 0.9995;

    /// <inheritdoc/>
    public override string Name => "slerp";

    /// <inheritdoc/>
    public override string Definition => "[sin((1−t)θ)·Δ₀ + sin(tθ)·Δ₁]/sin θ, θ their angle; (1−t)·Δ₀ + t·Δ₁ where abs(cos θ) > 0.9995";

    /// <inheritdoc/>
    public override string Source => "Shoemake 1985; mergekit slerp";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R², never m·n (DoRA: m·n read twice)";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["t", "granularity"];

    /// <inheritdoc/>
    public override int? Adapters => 2;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) =>
        Interpolation.Between(module, settings.T ?? 0.5, settings.Granularity, (cosine, _) => Math.Abs(cosine) > Parallel);
}
