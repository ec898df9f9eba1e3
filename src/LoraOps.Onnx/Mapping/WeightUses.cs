using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>Finds every use of a stored weight in a graph, fused nodes of ONNX Runtime included.</summary>
public static class WeightUses
{
    private const int WordEmbedding = 2;
    private const int SegmentEmbedding = 4;

    /// <summary>All uses, in graph order.</summary>
    public static IReadOnlyList<WeightUse> Find(GraphIndex index) => [.. index.Nodes.SelectMany(node => Of(index, node))];

    /// <summary>The use at one place as the graph is now, or null if no stored weight is read there.</summary>
    public static WeightUse? At(GraphIndex index, Edge edge) => Of(index, edge.Node).FirstOrDefault(use => use.Edge.IsSame(edge));

    private static IEnumerable<WeightUse> Of(GraphIndex index, NodeProto node) =>
        node.Output.Count == 0 ? [] : Layers(index, node).OfType<WeightUse>();

    private static IEnumerable<WeightUse?> Layers(GraphIndex index, NodeProto node)
    {
        if (node.Is("MatMul") || node.IsContrib("Attention"))
            return [Linear(index, node, isOutIn: false)];

        if (node.Is("Gemm") || node.IsContrib("FusedMatMul", "FusedGemm"))
            return [Linear(index, node, isOutIn: node.Integer("transB", 0) == 1)];

        if (node.Is("Conv") || node.IsContrib("FusedConv"))
            return [Convolution(index, node)];

        if (node.Is("Gather") && node.Integer("axis", 0) == 0)
            return [Embedding(index, node, 0)];

        if (node.IsContrib("MatMulNBits"))
            return [PackedLinear(index, node)];

        return node.IsContrib("EmbedLayerNormalization")
            ? Enumerable.Range(WordEmbedding, SegmentEmbedding - WordEmbedding + 1).Select(input => Embedding(index, node, input))
            : [];
    }

    private static WeightUse? Linear(GraphIndex index, NodeProto node, bool isOutIn)
    {
        if (WeightSource.Of(index, node, 1) is not { } source || source.Tensor.Dims.Count != 2)
            return null;

        var isTransposed = isOutIn == source.IsFlipped;
        var isProduct = node.OpType is "MatMul" or "FusedMatMul";
        return Use(node, 1, source, LayerKind.Linear, isTransposed) with
        {

            // The alpha of a FusedMatMul was a node of its own: the module's weight is the stored one, its output is not there any more.
            Alpha = node.OpType == "FusedMatMul" ? 1 : node.Float("alpha", 1),
            IsFused = node.OpType is "Attention" or "FusedGemm" || (node.OpType == "FusedMatMul" && node.Float("alpha", 1) != 1),
            Bias = isProduct ? AddedBias.Of(index, node, source.Tensor.Dims[isTransposed ? 1 : 0]) : BiasInput(index, node),
        };
    }

    // Its weight is [N, blocks, bytes]: the rows are the outputs, as PyTorch has them.
    private static WeightUse? PackedLinear(GraphIndex index, NodeProto node)
    {
        if (NBits.Of(index, node) is not { } bits || WeightSource.Of(index, node, 1) is not { Chain.Count: 0 } source)
            return null;

        return Use(node, 1, source, LayerKind.Linear, isTransposed: false) with
        {
            Shape = new TensorShape(bits.Rows, bits.Columns),
            Codes = new QuantizedCodes(bits.Scale, bits.Zero, 1, bits.Block) { Packed = bits },
            Bias = AddedBias.Of(index, node, bits.Rows),
        };
    }

    private static WeightUse? Convolution(GraphIndex index, NodeProto node)
    {
        if (WeightSource.Of(index, node, 1) is not { IsFlipped: false } source || source.Tensor.Dims.Count < 3)
            return null;

        return Use(node, 1, source, LayerKind.Convolution, isTransposed: false) with
        {
            Groups = node.Integer("group", 1),
            IsFused = node.OpType == "FusedConv",
            Bias = BiasInput(index, node),
        };
    }

    private static WeightUse? Embedding(GraphIndex index, NodeProto node, int input) =>
        WeightSource.Of(index, node, input) is { Tensor.Dims.Count: 2 } source
            ? Use(node, input, source, LayerKind.Embedding, source.IsFlipped) with { IsFused = node.OpType != "Gather" }
            : null;

    private static WeightUse Use(NodeProto node, int input, WeightSource source, LayerKind layer, bool isTransposed) => new()
    {
        Edge = new Edge(node, input),
        MetadataModule = ModulePath.FromMetadata(node),
        PathModule = ModulePath.FromNodeName(node.Name),
        Name = source.Name,
        Tensor = source.Tensor,
        Chain = source.Chain,
        Codes = source.Codes,
        Layer = layer,
        IsTransposed = isTransposed,
        Shape = new TensorShape([.. isTransposed ? source.Tensor.Dims.Reverse() : source.Tensor.Dims]),
    };

    private static Edge? BiasInput(GraphIndex index, NodeProto node) =>
        node.InputAt(2).Length > 0 && index.Stored(new Edge(node, 2)) is not null ? new Edge(node, 2) : null;
}
