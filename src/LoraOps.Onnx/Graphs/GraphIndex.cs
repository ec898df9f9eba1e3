using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Graphs;

/// <summary>Who stores, makes and reads each value of a model, subgraphs included; kept up to date while nodes and tensors are added.</summary>
public sealed class GraphIndex
{
    private readonly GraphProto _main;
    private readonly ValueScopes _scopes;
    private readonly Dictionary<string, TensorProto> _tensors = new(StringComparer.Ordinal);
    private readonly Dictionary<string, NodeProto> _producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Edge>> _consumers = new(StringComparer.Ordinal);
    private readonly Dictionary<NodeProto, GraphProto> _owners = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _inputs = new(StringComparer.Ordinal);
    private readonly HashSet<string> _outputs = new(StringComparer.Ordinal);
    private readonly HashSet<string> _innerOutputs = new(StringComparer.Ordinal);
    private readonly List<NodeProto> _nodes = [];

    /// <summary>Indexes a model as it is now.</summary>
    public GraphIndex(OnnxModel model)
    {
        _main = model.Graph;
        _scopes = new ValueScopes(_main);
        foreach (var graph in _main.AllGraphs())
            Add(graph);
    }

    /// <summary>Every node, outer graphs first.</summary>
    public IReadOnlyList<NodeProto> Nodes => _nodes;

    /// <summary>The names of all stored tensors.</summary>
    public IEnumerable<string> TensorNames => _tensors.Keys.Where(key => !key.Contains('\0', StringComparison.Ordinal));

    /// <summary>
    /// The stored tensor of a value of the main graph: an initializer, a default that the caller may override, or what a
    /// Constant node holds; null if it is computed.
    /// </summary>
    public TensorProto? Stored(string value) => _tensors.GetValueOrDefault(value);

    /// <summary>The stored tensor that an edge reads, wherever it is; null if the value is computed.</summary>
    public TensorProto? Stored(Edge edge) => _tensors.GetValueOrDefault(Key(edge));

    /// <summary>The elements of a value that never changes: stored, and no input that the caller may override; else null.</summary>
    public TensorProto? Constant(string value) => IsInput(value) ? null : Stored(value);

    /// <summary>The node that computes a value of the main graph, or null for inputs and initializers.</summary>
    public NodeProto? Producer(string value) => _producers.GetValueOrDefault(value);

    /// <summary>The node that computes what an edge reads, or null.</summary>
    public NodeProto? Producer(Edge edge) => _producers.GetValueOrDefault(Key(edge));

    /// <summary>Every place that reads a value of the main graph.</summary>
    public IReadOnlyList<Edge> Consumers(string value) => _consumers.TryGetValue(value, out var edges) ? edges : [];

    /// <summary>Every place that reads the same value as this one, itself included.</summary>
    public IReadOnlyList<Edge> Consumers(Edge edge) => Consumers(Key(edge));

    /// <summary>Every place that reads what a node computes.</summary>
    public IReadOnlyList<Edge> Consumers(NodeProto node, int output = 0) =>
        output < node.Output.Count ? Consumers(_scopes.Key(Owner(node), node.Output[output])) : [];

    /// <summary>The nodes of the main graph that read a value, each once, in graph order.</summary>
    public IReadOnlyList<NodeProto> Readers(string value) => [.. Consumers(value)
        .Select(edge => edge.Node)
        .Where(node => ReferenceEquals(Owner(node), _main))
        .Distinct<NodeProto>(ReferenceEqualityComparer.Instance)];

    /// <summary>True for an input of the model, initializers that are inputs as well included.</summary>
    public bool IsInput(string value) => _inputs.Contains(value);

    /// <summary>True for an output of the model.</summary>
    public bool IsOutput(string value) => _outputs.Contains(value);

    /// <summary>True if a subgraph of a node reads or returns the value.</summary>
    public bool IsUsedInside(string value) =>
        _innerOutputs.Contains(value) || Consumers(value).Any(edge => !ReferenceEquals(Owner(edge.Node), _main));

    /// <summary>True if the value leaves the model or a subgraph.</summary>
    public bool IsGraphOutput(string value) => _outputs.Contains(value) || _innerOutputs.Contains(value);

    /// <summary>True if what the edge reads leaves the model or a subgraph.</summary>
    public bool IsGraphOutput(Edge edge) => IsGraphOutput(Key(edge));

    /// <summary>The graph that a node is in.</summary>
    public GraphProto Owner(NodeProto node) => _owners[node];

    /// <summary>True if no value has this name.</summary>
    public bool IsFree(string name) =>
        !_tensors.ContainsKey(name) && !_producers.ContainsKey(name) && !_consumers.ContainsKey(name) && !_inputs.Contains(name);

    /// <summary>Makes a node read another value from now on.</summary>
    public void Rewire(Edge edge, string value)
    {
        _consumers[Key(edge)].RemoveAll(edge.IsSame);
        edge.Node.Input[edge.Input] = value;
        Read(edge);
    }

    /// <summary>Knows a tensor that was added to the main graph.</summary>
    public void Added(TensorProto tensor) => _tensors[tensor.Name] = tensor;

    /// <summary>Inserts a node before another one of the same graph.</summary>
    public void Insert(NodeProto node, NodeProto before)
    {
        var graph = Owner(before);
        graph.Node.Insert(graph.Node.IndexOf(before), node);
        Add(graph, node);
    }

    private string Key(Edge edge) => _scopes.Key(Owner(edge.Node), edge.Value);

    private void Add(GraphProto graph)
    {
        var isMain = ReferenceEquals(graph, _main);
        foreach (var tensor in graph.Initializer)
            _tensors[_scopes.Key(graph, tensor.Name)] = tensor;

        foreach (var output in graph.Output)
            (isMain ? _outputs : _innerOutputs).Add(_scopes.Key(graph, output.Name));

        if (isMain)
            _inputs.UnionWith(graph.Input.Select(input => input.Name));

        foreach (var node in graph.Node)
            Add(graph, node);
    }

    private void Add(GraphProto graph, NodeProto node)
    {
        _nodes.Add(node);
        _owners[node] = graph;
        foreach (var output in node.Output.Where(output => output.Length > 0))
            _producers[_scopes.Key(graph, output)] = node;

        if (node.Is("Constant") && node.Output.Count == 1
            && node.Attribute.FirstOrDefault(attribute => attribute.Name == "value")?.T is { } tensor)
        {
            _tensors[_scopes.Key(graph, node.Output[0])] = tensor;
        }

        for (var i = 0; i < node.Input.Count; i++)
        {
            if (node.Input[i].Length > 0)
                Read(new Edge(node, i));
        }
    }

    private void Read(Edge edge)
    {
        var key = Key(edge);
        if (!_consumers.TryGetValue(key, out var edges))
            _consumers[key] = edges = [];

        edges.Add(edge);
    }
}
