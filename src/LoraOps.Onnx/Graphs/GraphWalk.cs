using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Graphs;

/// <summary>Walks over a model, the subgraphs of If, Loop and Scan and the bodies of functions included.</summary>
public static class GraphWalk
{
    /// <summary>The main graph and every subgraph of it, outer before inner.</summary>
    public static IEnumerable<GraphProto> AllGraphs(this GraphProto graph)
    {
        yield return graph;
        foreach (var inner in graph.Node.SelectMany(Subgraphs).SelectMany(AllGraphs))
            yield return inner;
    }

    /// <summary>Every node of the main graph, its subgraphs and the model's functions.</summary>
    public static IEnumerable<NodeProto> AllNodes(this OnnxModel model) => model.Graph.AllGraphs()
        .SelectMany(graph => graph.Node)
        .Concat(model.Proto.Functions.SelectMany(function => function.Node)
            .SelectMany(node => Subgraphs(node).SelectMany(AllGraphs).SelectMany(graph => graph.Node).Prepend(node)));

    /// <summary>Every tensor that is stored in the model: initializers, sparse ones, and the attributes of nodes.</summary>
    public static IEnumerable<TensorProto> AllTensors(this OnnxModel model) => model.Graph.AllGraphs()
        .SelectMany(graph => graph.Initializer
            .Concat(graph.SparseInitializer.SelectMany(sparse => new[] { sparse.Values, sparse.Indices })))
        .Concat(model.AllNodes().SelectMany(node => node.Attribute).SelectMany(Tensors))
        .Where(tensor => tensor is not null);

    /// <summary>The graphs that a node carries in its attributes.</summary>
    public static IEnumerable<GraphProto> Subgraphs(NodeProto node) => node.Attribute
        .SelectMany(attribute => attribute.G is null ? attribute.Graphs : attribute.Graphs.Prepend(attribute.G));

    private static IEnumerable<TensorProto> Tensors(AttributeProto attribute) =>
        attribute.T is null ? attribute.Tensors : attribute.Tensors.Prepend(attribute.T);
}
