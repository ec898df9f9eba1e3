using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Graphs;

/// <summary>Who makes and who takes each value of a graph, as it was when the index was made.</summary>
public sealed class ValueIndex
{
    private static readonly IReadOnlyList<NodeProto> NoNodes = [];

    private readonly Dictionary<string, NodeProto> _producers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<NodeProto>> _consumers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TensorProto> _constants = new(StringComparer.Ordinal);
    private readonly HashSet<string> _inputs;
    private readonly HashSet<string> _outputs;
    private readonly HashSet<string> _inner = new(StringComparer.Ordinal);

    /// <summary>Indexes the nodes of one graph; what its subgraphs take from it is known by name only.</summary>
    public ValueIndex(GraphProto graph)
    {
        _inputs = graph.Input.Select(input => input.Name).ToHashSet(StringComparer.Ordinal);
        _outputs = graph.Output.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);

        // An initializer that is also an input is a default that the caller may override: no constant.
        foreach (var tensor in graph.Initializer.Where(tensor => !_inputs.Contains(tensor.Name)))
            _constants[tensor.Name] = tensor;

        foreach (var node in graph.Node)
            Add(node);
    }

    /// <summary>The node that makes a value; null for inputs and initializers.</summary>
    public NodeProto? Producer(string value) => _producers.GetValueOrDefault(value);

    /// <summary>The nodes of this graph that take a value, each once, in graph order.</summary>
    public IReadOnlyList<NodeProto> Consumers(string value) => _consumers.TryGetValue(value, out var nodes) ? nodes : NoNodes;

    /// <summary>The elements of a value that never changes: an initializer's or a Constant node's; else null.</summary>
    public TensorProto? Constant(string value) => _constants.GetValueOrDefault(value);

    /// <summary>True for an input of the graph.</summary>
    public bool IsInput(string value) => _inputs.Contains(value);

    /// <summary>True for an output of the graph.</summary>
    public bool IsOutput(string value) => _outputs.Contains(value);

    /// <summary>True if a subgraph of a node takes the value.</summary>
    public bool IsUsedInside(string value) => _inner.Contains(value);

    private void Add(NodeProto node)
    {
        foreach (var output in node.Output.Where(output => output.Length > 0))
            _producers[output] = node;

        foreach (var input in node.Input.Where(input => input.Length > 0).Distinct(StringComparer.Ordinal))
        {
            if (!_consumers.TryGetValue(input, out var nodes))
                _consumers[input] = nodes = [];

            nodes.Add(node);
        }

        foreach (var graph in GraphWalk.Subgraphs(node).SelectMany(graph => graph.AllGraphs()))
            _inner.UnionWith(graph.Node.SelectMany(inner => inner.Input).Concat(graph.Output.Select(output => output.Name)));

        if (node is { OpType: "Constant", Domain: "", Output.Count: 1 }
            && node.Attribute.FirstOrDefault(attribute => attribute.Name == "value")?.T is { } tensor)
        {
            _constants[node.Output[0]] = tensor;
        }
    }
}
