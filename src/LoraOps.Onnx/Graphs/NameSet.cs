using System.Globalization;

namespace LoraOps.Onnx.Graphs;

/// <summary>The names that a model uses, to find new ones beside them.</summary>
internal sealed class NameSet
{
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    public NameSet(OnnxModel model)
    {
        foreach (var graph in model.Graph.AllGraphs())
        {
            _taken.UnionWith(graph.Input.Concat(graph.Output).Select(value => value.Name));
            _taken.UnionWith(graph.Initializer.Select(tensor => tensor.Name));
            _taken.UnionWith(graph.Node.SelectMany(node => node.Input.Concat(node.Output).Append(node.Name)));
        }
    }

    /// <summary>The wish if it is free, else the wish with the first number that is.</summary>
    public string Take(string wish)
    {
        var name = wish;
        for (var i = 1; !_taken.Add(name); i++)
            name = string.Create(CultureInfo.InvariantCulture, $"{wish}_{i}");

        return name;
    }
}
