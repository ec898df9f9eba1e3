using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>A module's weight that is looked for.</summary>
/// <param name="Module">The module.</param>
/// <param name="Layer">What it computes; null if any kind will do.</param>
/// <param name="Shape">Its weight's shape in PyTorch's layout.</param>
public sealed record WantedWeight(ModuleName Module, LayerKind? Layer, TensorShape Shape)
{
    /// <summary>The module's names, its own first.</summary>
    public IReadOnlyList<ModuleName> Aliases { get; } = [.. ModuleAliases.Moved(Module).Distinct()];

    /// <summary>The groups of the convolution that the weight is for; 1 for a change that would be one of the weight itself.</summary>
    public long Groups { get; init; } = 1;

    /// <summary>The rows of the weight: outputs, or words.</summary>
    public long Rows => Shape.Rank == 0 ? 1 : Shape[0];

    /// <summary>True if a node's weight differs at most in its number of rows.</summary>
    public bool HasColumnsOf(WeightUse use) => (Layer is null || use.Layer == Layer)
        && Shape.Rank == use.Shape.Rank && Shape.Rank > 0 && Shape.Dims[1..].SequenceEqual(use.Shape.Dims[1..]);
}
