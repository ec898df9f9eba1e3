using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Runtime.Preparing;

/// <summary>Takes out what no output depends on; the runtime's own passes leave it when it was dead from the start.</summary>
internal static class DeadCode
{
    /// <summary>Drops nodes and initializers of the main graph that nothing reads.</summary>
    public static void Drop(GraphProto graph)
    {
        var read = graph.Output.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);
        for (var i = graph.Node.Count - 1; i >= 0; i--)
        {
            var node = graph.Node[i];
            if (node.Output.Any(read.Contains))
                read.UnionWith(Reads(node));
            else
                graph.Node.RemoveAt(i);
        }

        // An initializer that is an input as well is that input's default.
        read.UnionWith(graph.Input.Select(input => input.Name));
        foreach (var tensor in graph.Initializer.Where(tensor => !read.Contains(tensor.Name)).ToList())
            graph.Initializer.Remove(tensor);
    }

    // A subgraph reads values of the graph around it by name.
    private static IEnumerable<string> Reads(NodeProto node) => node.Input.Concat(
        GraphWalk.Subgraphs(node).SelectMany(GraphWalk.AllGraphs)
            .SelectMany(graph => graph.Node.SelectMany(inner => inner.Input).Concat(graph.Output.Select(output => output.Name))));
}
