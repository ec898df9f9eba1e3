namespace LoraOps.Mixing;

/// <summary>The weighted sum of task vectors: <see cref="LinearMix"/> under the name that it has in the literature.</summary>
public sealed class TaskArithmeticMix : MixMethod
{
    /// <inheritdoc/>
    public override string Name => "task-arithmetic";

    /// <inheritdoc/>
    public override string Definition => "λ·Σ w·Δ, normalize: divided by Σ w of the owners (by 1 where that is 0)";

    /// <inheritdoc/>
    public override string Source => "arXiv:2212.04089; mergekit task_arithmetic";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R copied";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => ["normalize", "lambda"];

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings) => LinearMix.Of(module, settings);
}
