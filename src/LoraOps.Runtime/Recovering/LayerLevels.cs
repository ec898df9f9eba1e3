using LoraOps.Onnx.Graphs;

namespace LoraOps.Runtime.Recovering;

/// <summary>Layers in steps from the input to the output: each depends only on layers of the steps before.</summary>
internal static class LayerLevels
{
    /// <summary>The names of each step, in graph order.</summary>
    /// <param name="model">The model; its nodes are sorted, as ONNX demands.</param>
    /// <param name="nodes">Names of nodes of the main graph.</param>
    public static IReadOnlyList<IReadOnlyList<string>> Of(OnnxModel model, IReadOnlyCollection<string> nodes)
    {
        var wanted = nodes.ToHashSet(StringComparer.Ordinal);
        var depths = new Dictionary<string, int>(StringComparer.Ordinal);
        var levels = new SortedDictionary<int, List<string>>();
        foreach (var node in model.Graph.Node)
        {
            var captured = GraphWalk.Subgraphs(node).SelectMany(GraphWalk.AllGraphs)
                .SelectMany(graph => graph.Node.SelectMany(inner => inner.Input).Concat(graph.Output.Select(output => output.Name)));
            var depth = node.Input.Concat(captured).Select(input => depths.GetValueOrDefault(input)).DefaultIfEmpty(0).Max();
            if (wanted.Contains(node.Name))
            {
                if (!levels.TryGetValue(depth, out var level))
                    levels[depth] = level = [];

                level.Add(node.Name);
                depth++;
            }

            foreach (var output in node.Output)
                depths[output] = depth;
        }

        return [.. levels.Values];
    }
}
