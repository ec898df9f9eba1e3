using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Mapping;

/// <summary>One place where a node reads a value.</summary>
/// <param name="Node">The reader.</param>
/// <param name="Input">The index among its inputs.</param>
public readonly record struct Edge(NodeProto Node, int Input)
{
    /// <summary>The value that is read.</summary>
    public string Value => Node.Input[Input];

    /// <summary>True if both are the same input of the same node.</summary>
    public bool IsSame(Edge other) => ReferenceEquals(Node, other.Node) && Input == other.Input;
}

/// <summary>Who stores, makes and reads each value of a model, subgraphs included; value names are unique over all of them (SSA).</summary>
public sealed class GraphIndex
{
    private const string FoldedFromKey = "pkg.onnxscript.optimizer.folded_from";
    private const string OldFoldedFromKey = "pkg.onnxscript.optimizer.constant_folding.folded_from";

    private readonly Dictionary<string, TensorProto> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NodeProto> _producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Edge>> _consumers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<string>> _foldedFrom = new(StringComparer.Ordinal);
    private readonly Dictionary<NodeProto, GraphProto> _owners = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _graphOutputs = new(StringComparer.Ordinal);
    private readonly List<NodeProto> _nodes = [];

    /// <summary>Indexes a model as it is now.</summary>
    public GraphIndex(OnnxModel model)
    {
        foreach (var graph in model.Graph.AllGraphs())
            Add(graph);
    }

    /// <summary>Every node, outer graphs first.</summary>
    public IReadOnlyList<NodeProto> Nodes => _nodes;

    /// <summary>The names of all stored tensors.</summary>
    public IEnumerable<string> TensorNames => _tensors.Keys;

    /// <summary>The stored tensor of this value: an initializer, or what a Constant node holds; null if it is computed.</summary>
    public TensorProto? Stored(string value) => _tensors.GetValueOrDefault(value);

    /// <summary>The node that computes a value, or null.</summary>
    public NodeProto? Producer(string value) => _producers.GetValueOrDefault(value);

    /// <summary>Who reads a value.</summary>
    public IReadOnlyList<Edge> Consumers(string value) => _consumers.TryGetValue(value, out var edges) ? edges : [];

    /// <summary>True if the value leaves a graph.</summary>
    public bool IsGraphOutput(string value) => _graphOutputs.Contains(value);

    /// <summary>The graph that a node is in.</summary>
    public GraphProto Owner(NodeProto node) => _owners[node];

    /// <summary>The names that the exporter folded into a stored value.</summary>
    public IReadOnlyList<string> FoldedFrom(string value) => _foldedFrom.GetValueOrDefault(value, []);

    /// <summary>True if no value has this name.</summary>
    public bool IsFree(string name) =>
        !_tensors.ContainsKey(name) && !_producers.ContainsKey(name) && !_consumers.ContainsKey(name);

    /// <summary>Makes a node read another value from now on.</summary>
    public void Rewire(Edge edge, string value)
    {
        _consumers[edge.Value].RemoveAll(edge.IsSame);
        edge.Node.Input[edge.Input] = value;
        Read(edge);
    }

    /// <summary>Knows a tensor that was added to a graph.</summary>
    public void Added(TensorProto tensor) => _tensors[tensor.Name] = tensor;

    /// <summary>Inserts a node before another one of the same graph.</summary>
    public void Insert(NodeProto node, NodeProto before)
    {
        var graph = Owner(before);
        graph.Node.Insert(graph.Node.IndexOf(before), node);
        Add(graph, node);
    }

    private void Add(GraphProto graph)
    {
        foreach (var tensor in graph.Initializer)
            _tensors[tensor.Name] = tensor;

        foreach (var output in graph.Output)
            _graphOutputs.Add(output.Name);

        foreach (var value in graph.ValueInfo)
        {
            var folded = value.MetadataProps.FirstOrDefault(entry => entry.Key is FoldedFromKey or OldFoldedFromKey);
            if (folded is not null)
                _foldedFrom[value.Name] = PythonList.Parse(folded.Value);
        }

        foreach (var node in graph.Node)
            Add(graph, node);
    }

    private void Add(GraphProto graph, NodeProto node)
    {
        _nodes.Add(node);
        _owners[node] = graph;
        foreach (var output in node.Output)
            _producers[output] = node;

        if (node.OpType == "Constant" && node.Attribute.FirstOrDefault(attribute => attribute.Name == "value")?.T is { } tensor)
            _tensors[node.Output[0]] = tensor;

        for (var i = 0; i < node.Input.Count; i++)
            Read(new Edge(node, i));
    }

    private void Read(Edge edge)
    {
        if (!_consumers.TryGetValue(edge.Value, out var edges))
            _consumers[edge.Value] = edges = [];

        edges.Add(edge);
    }
}
