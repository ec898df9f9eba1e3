using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>Finds every use of a stored weight in a graph.</summary>
public static class WeightUses
{
    private const int LongestChain = 8;

    /// <summary>All uses, in graph order.</summary>
    public static IReadOnlyList<WeightUse> Find(GraphIndex index) => [.. index.Nodes
        .Where(node => node.Is("MatMul", "Gemm", "Conv", "Gather"))
        .Select(node => node.OpType switch
        {
            "MatMul" => Linear(index, node, isOutIn: false),
            "Gemm" => Linear(index, node, isOutIn: node.Integer("transB", 0) == 1),
            "Conv" => Convolution(index, node),
            _ => node.Integer("axis", 0) == 0 ? Embedding(index, node) : null,
        })
        .OfType<WeightUse>()];

    private static WeightUse? Linear(GraphIndex index, NodeProto node, bool isOutIn)
    {
        if (Trace(index, node, 1) is not { } source || source.Tensor.Dims.Count != 2)
            return null;

        var isTransposed = isOutIn == source.IsFlipped;
        return Use(node, 1, source, LayerKind.Linear, isTransposed) with
        {
            Alpha = node.Float("alpha", 1),
            Bias = node.OpType == "Gemm"
                ? BiasInput(index, node)
                : BiasOfAdd(index, node, source.Tensor.Dims[isTransposed ? 1 : 0]),
        };
    }

    private static WeightUse? Convolution(GraphIndex index, NodeProto node)
    {
        if (Trace(index, node, 1) is not { IsFlipped: false } source)
            return null;

        return Use(node, 1, source, LayerKind.Convolution, isTransposed: false) with
        {
            Groups = node.Integer("group", 1),
            Bias = BiasInput(index, node),
        };
    }

    private static WeightUse? Embedding(GraphIndex index, NodeProto node) =>
        Trace(index, node, 0) is { Tensor.Dims.Count: 2 } source
            ? Use(node, 0, source, LayerKind.Embedding, source.IsFlipped)
            : null;

    private static WeightUse Use(NodeProto node, int input, Source source, LayerKind layer, bool isTransposed) => new()
    {
        Edge = new Edge(node, input),
        Name = source.Name,
        Tensor = source.Tensor,
        Chain = source.Chain,
        Layer = layer,
        IsTransposed = isTransposed,
        Shape = new TensorShape([.. isTransposed ? source.Tensor.Dims.Reverse() : source.Tensor.Dims]),
    };

    private static Source? Trace(GraphIndex index, NodeProto node, int input)
    {
        if (node.Input.Count <= input)
            return null;

        var edge = new Edge(node, input);
        var chain = new List<NodeProto>();
        var isFlipped = false;
        while (index.Stored(edge) is null)
        {
            if (chain.Count == LongestChain || index.Producer(edge) is not { OpType: "Transpose" or "Identity" or "Cast" } step)
                return null;

            if (step.OpType == "Transpose" && !SwapsTwo(step))
                return null;

            isFlipped ^= step.OpType == "Transpose";
            chain.Insert(0, step);
            edge = new Edge(step, 0);
        }

        return index.Stored(edge) is { } tensor ? new Source(edge.Value, tensor, chain, isFlipped) : null;
    }

    private static bool SwapsTwo(NodeProto transpose) =>
        transpose.Integers("perm") is [] or [1, 0];

    private static Edge? BiasInput(GraphIndex index, NodeProto node) =>
        node.InputAt(2).Length > 0 && index.Stored(new Edge(node, 2)) is not null ? new Edge(node, 2) : null;

    private static Edge? BiasOfAdd(GraphIndex index, NodeProto node, long outputs)
    {
        foreach (var (add, input) in index.Consumers(node))
        {
            if (add.Is("Add") && index.Stored(new Edge(add, 1 - input)) is { } bias
                && bias.Dims.LastOrDefault() == outputs && bias.Dims.SkipLast(1).All(dim => dim == 1))
            {
                return new Edge(add, 1 - input);
            }
        }

        return null;
    }

    private sealed record Source(string Name, TensorProto Tensor, IReadOnlyList<NodeProto> Chain, bool IsFlipped);
}
