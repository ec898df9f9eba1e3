using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Branches;

/// <summary>New nodes, made one after another under names that nobody has.</summary>
/// <param name="names">The names of the whole model.</param>
/// <param name="prefix">What their names begin with.</param>
internal sealed class NodeChain(NameSet names, string prefix)
{
    private readonly List<NodeProto> _nodes = [];

    /// <summary>The nodes in the order in which they were made.</summary>
    public IReadOnlyList<NodeProto> Nodes => _nodes;

    /// <summary>A chain whose nodes go into a subgraph: same names, own nodes.</summary>
    public NodeChain Inner() => new(names, prefix);

    /// <summary>Adds a node without attributes and gives its output's name.</summary>
    public string Value(string op, params ReadOnlySpan<string> inputs) => Node(op, inputs).Output[0];

    /// <summary>Adds a node; give it attributes.</summary>
    public NodeProto Node(string op, params ReadOnlySpan<string> inputs)
    {
        var name = names.Take($"{prefix}/{op}");
        var node = new NodeProto { OpType = op, Name = name, Output = { names.Take(name + "_output") } };
        foreach (var input in inputs)
            node.Input.Add(input);

        _nodes.Add(node);
        return node;
    }

    /// <summary>Adds a node with one integer attribute and gives its output's name.</summary>
    public string Value(string op, string attribute, long value, params ReadOnlySpan<string> inputs)
    {
        var node = Node(op, inputs);
        node.SetInteger(attribute, value);
        return node.Output[0];
    }

    /// <summary>Gives the last node the name of a value that exists.</summary>
    public void EndAs(string output) => _nodes[^1].Output[0] = output;

    /// <summary>Puts the nodes into a graph, the first one at a position.</summary>
    public void InsertInto(GraphProto graph, int at)
    {
        foreach (var node in _nodes)
            graph.Node.Insert(at++, node);
    }

    /// <summary>The chain as the body of a branch of If, which gives the last node's output.</summary>
    /// <param name="type">The output's element type.</param>
    public GraphProto ToGraph(int type)
    {
        var output = _nodes[^1].Output[0];
        var graph = new GraphProto { Name = names.Take(prefix + "/body") };
        graph.Node.AddRange(_nodes);
        graph.Output.Add(new ValueInfoProto { Name = output, Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = type } } });
        return graph;
    }
}
