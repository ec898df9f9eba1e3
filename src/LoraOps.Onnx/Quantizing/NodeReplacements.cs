using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Quantizing;

/// <summary>Puts several nodes in the place of one, and their constants into the main graph; nothing moves before <see cref="Finish"/>.</summary>
internal sealed class NodeReplacements(OnnxModel model)
{
    private readonly NameSet _names = new(model);
    private readonly Dictionary<NodeProto, List<NodeProto>> _replaced = new(ReferenceEqualityComparer.Instance);

    /// <summary>Adds a constant under a name that nobody has.</summary>
    /// <returns>That name.</returns>
    public string Add(TensorProto tensor)
    {
        tensor.Name = _names.Take(tensor.Name);
        model.Graph.Initializer.Add(tensor);
        return tensor.Name;
    }

    /// <summary>A free name.</summary>
    public string Take(string wish) => _names.Take(wish);

    /// <summary>Begins to replace a node: what is added to the list stands where it stood.</summary>
    public List<NodeProto> Replace(NodeProto node) => _replaced[node] = [];

    /// <summary>A new node; its one output is named after it.</summary>
    public NodeProto Node(string op, string name, params ReadOnlySpan<string> inputs)
    {
        var node = new NodeProto { OpType = op, Name = _names.Take(name), Output = { _names.Take(name + "_output") } };
        foreach (var input in inputs)
            node.Input.Add(input);

        return node;
    }

    /// <summary>Moves the nodes, and drops constants that nobody reads any more.</summary>
    /// <param name="weights">The names of constants that were read by what was replaced.</param>
    public void Finish(IEnumerable<string> weights)
    {
        var nodes = model.Graph.Node.SelectMany(node => _replaced.GetValueOrDefault(node) ?? [node]).ToArray();
        model.Graph.Node.Clear();
        model.Graph.Node.AddRange(nodes);
        var read = model.Graph.AllGraphs().SelectMany(graph => graph.Node.SelectMany(node => node.Input)
            .Concat(graph.Output.Select(output => output.Name))).ToHashSet(StringComparer.Ordinal);
        read.UnionWith(model.Graph.Input.Select(input => input.Name));
        var unread = weights.Where(name => !read.Contains(name)).ToHashSet(StringComparer.Ordinal);
        foreach (var tensor in model.Graph.Initializer.Where(tensor => unread.Contains(tensor.Name)).ToArray())
            model.Graph.Initializer.Remove(tensor);
    }
}
