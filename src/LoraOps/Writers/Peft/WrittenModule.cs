using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Writers.Peft;

/// <summary>One adapted layer as it goes into an adapter: ΔW = B · A, its scale being in B.</summary>
public sealed record WrittenModule
{
    /// <summary>The layer in the base model.</summary>
    public required ModuleName Name { get; init; }

    /// <summary>What it computes: it decides how the factors are called and shaped.</summary>
    public required LayerKind Layer { get; init; }

    /// <summary>The weight's shape in PyTorch's layout: [out, in], [vocabulary, dim], [out, in, kernel…].</summary>
    public required TensorShape Weight { get; init; }

    /// <summary>The inner dimension, from 1.</summary>
    public required int Rank { get; init; }

    /// <summary>[out, rank] row-major; [dim, rank] of an embedding.</summary>
    public required double[] B { get; init; }

    /// <summary>[rank, in · kernel…] row-major; [rank, vocabulary] of an embedding.</summary>
    public required double[] A { get; init; }

    /// <summary>What is added to the layer's bias, [out]; null if nothing.</summary>
    public double[]? Bias { get; init; }

    /// <summary>DoRA's norms, [out]; null without.</summary>
    public double[]? Magnitude { get; init; }
}
