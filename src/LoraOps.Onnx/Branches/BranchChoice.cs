using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Branches;

/// <summary>When a branch of overridable factors is skipped while it is idle.</summary>
public enum BranchRule
{
    /// <summary>Where it pays; see <see cref="BranchChoice"/>.</summary>
    Auto,

    /// <summary>Never: three plain nodes that work on factors of rank zero.</summary>
    Always,

    /// <summary>Always: the branch is the body of an If.</summary>
    Skip,
}

/// <summary>
/// Chooses between plain nodes and an If. Rank-zero nodes still write and add a layer's whole output, which costs in proportion to its
/// size; an If costs the same few microseconds for any size. A model whose inputs are fixed but for the batch (images, lidar) has large
/// outputs; one with a free sequence may run a single token, where the If would cost more than it saves.
/// </summary>
internal sealed class BranchChoice(OnnxModel model, BranchRule rule)
{
    private readonly bool _isFixed = IsFixed(model);

    /// <summary>True if the node's branch should be skipped while it is idle.</summary>
    public bool IsConditional(BranchNode node) => Decide(node).IsConditional;

    /// <summary>The choice for people: what, and why.</summary>
    public string Reason(BranchNode node) => Decide(node) is var (isConditional, why) && isConditional ? $"conditional: {why}" : $"plain: {why}";

    // ONNX Runtime 1.29 dies of half precision inside an If on a CPU.
    private (bool IsConditional, string Why) Decide(BranchNode node) => (rule, node.Layer, _isFixed) switch
    {
        _ when node.Type != ElementType.F32 => (false, "ONNX Runtime cannot compute halves inside an If"),
        (_, LayerKind.Convolution, _) => (true, "no kernel convolves with zero channels"),
        (BranchRule.Always, _, _) => (false, "asked for"),
        (BranchRule.Skip, _, _) => (true, "asked for"),
        (_, _, true) => (true, "the inputs have fixed sizes, so the layer's output is large"),
        _ => (false, "a free sequence may be one token long"),
    };

    private static bool IsFixed(OnnxModel model)
    {
        var defaults = model.Graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        return model.Graph.Input.Where(input => !defaults.Contains(input.Name)).All(input => input.Type?.TensorType?.Shape is { } shape
            && shape.Dim.Skip(1).All(dim => dim.ValueCase == Proto.TensorShapeProto.Types.Dimension.ValueOneofCase.DimValue));
    }
}
