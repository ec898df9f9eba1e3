using LoraOps.Tensors;

namespace LoraOps.Adapters;

/// <summary>ΔW of one module, in whatever form its method stores it.</summary>
public abstract class Delta
{
    /// <summary>The method's name as users know it: <c>lora</c>, <c>dora</c>.</summary>
    public abstract string Method { get; }

    /// <summary>What the layer computes.</summary>
    public abstract LayerKind Layer { get; }

    /// <summary>The shape of the weight that this delta belongs to, in PyTorch's layout ([out, in], [vocabulary, dim] or [out, in, kernel…]).</summary>
    public abstract TensorShape WeightShape { get; }

    /// <summary>The inner dimension of the factors.</summary>
    public abstract int Rank { get; }

    /// <summary>What the product of the factors is multiplied with: alpha / r, or alpha / √r for rsLoRA.</summary>
    public abstract double Scale { get; }

    /// <summary>True if ΔW depends on the base weight's values (DoRA).</summary>
    public abstract bool NeedsWeight { get; }

    /// <summary>Adds factor · ΔW to <paramref name="sum"/>.</summary>
    /// <param name="sum">Row-major, of <see cref="WeightShape"/>.</param>
    /// <param name="weight">The base weight, row-major, of <see cref="WeightShape"/>; may be empty unless <see cref="NeedsWeight"/>.</param>
    /// <param name="factor">The adapter's weight in a weighted merge; 1 for a plain one.</param>
    public abstract void AddTo(Span<float> sum, ReadOnlySpan<float> weight, float factor);
}
