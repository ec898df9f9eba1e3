using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Branches;

/// <summary>A module's share of a node that gets a branch.</summary>
internal sealed record BranchShare(BranchModule Module, WeightPlace Place);

/// <summary>A node that gets a branch beside it, and the modules whose rows it has, in their order.</summary>
internal sealed record BranchNode(WeightUse Use, IReadOnlyList<BranchShare> Shares)
{
    /// <summary>Every node of a plan, in graph order.</summary>
    /// <param name="model">The model that is converted.</param>
    /// <param name="plan">What the adapters do.</param>
    /// <param name="index">The model's index.</param>
    public static IReadOnlyList<BranchNode> Of(OnnxModel model, BranchPlan plan, GraphIndex index)
    {
        var order = new Dictionary<NodeProto, int>(ReferenceEqualityComparer.Instance);
        foreach (var (position, node) in index.Nodes.Index())
            order.Add(node, position);

        return [.. plan.Modules.SelectMany(module => module.Resolution.Places.Select(place => new BranchShare(module, place)))
            .GroupBy(share => share.Place.Use.Node, ReferenceEqualityComparer.Instance)
            .OrderBy(node => order[(NodeProto)node.Key!])
            .Select(node => new BranchNode(node.First().Place.Use, [.. node.OrderBy(share => share.Place.Rows?.First ?? 0)])
            {
                Norm = BatchNorm.Behind(model, node.First().Place.Use, index),
            })];
    }

    /// <summary>The node.</summary>
    public NodeProto Node => Use.Node;

    /// <summary>What it computes.</summary>
    public LayerKind Layer => Use.Layer;

    /// <summary>Its outputs.</summary>
    public long Outputs => Layer == LayerKind.Embedding ? Use.Shape[1] : Use.Shape[0];

    /// <summary>The type of its values.</summary>
    public ElementType Type => TypeOf(Use);

    /// <summary>The value that it multiplies, convolves or looks up.</summary>
    public string Source => Node.Input[Layer == LayerKind.Embedding ? 1 : 0];

    /// <summary>The batch norm behind a convolution, which ONNX Runtime folds into it: the branch goes behind both. Null if there is none.</summary>
    public BatchNorm? Norm { get; init; }

    /// <summary>The node whose output the branch is added to.</summary>
    public NodeProto Last => Norm?.Node ?? Node;

    /// <summary>The stored bias that the node itself adds, or null: Gemm's and Conv's.</summary>
    public string? OwnBias => Use.Bias is { } edge && ReferenceEquals(edge.Node, Node) ? edge.Value : null;

    /// <summary>True if any adapter rescales the layer's own output (DoRA).</summary>
    public bool IsRescaled => Shares.Any(share => share.Module.Changes.Any(change => change.Delta is Deltas.DoraDelta));

    /// <summary>The type of the values that a node computes with.</summary>
    public static ElementType TypeOf(WeightUse use) => OnnxTensor.TypeOf((use.Codes?.Scale ?? use.Tensor).DataType) ?? ElementType.F32;

    /// <summary>What new nodes' names begin with.</summary>
    public string Prefix => $"/loraops/{(Shares.Count > 0 ? Shares[0].Module.Resolution.Module.Value : Use.ModuleGuess)}";
}
