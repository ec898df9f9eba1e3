using System.Globalization;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Graphs;

/// <summary>
/// Which value a name means inside a graph: its own first, then those of the graphs around it. The two branches of an If may
/// use one name for two values.
/// </summary>
internal sealed class ValueScopes
{
    private readonly Dictionary<string, List<GraphProto>> _homes = new(StringComparer.Ordinal);
    private readonly Dictionary<GraphProto, GraphProto> _parents = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<string> _twice = new(StringComparer.Ordinal);

    /// <summary>Looks at a graph and everything in it.</summary>
    public ValueScopes(GraphProto graph) => Add(graph);

    /// <summary>A key that tells the values of one name apart; the name itself unless several graphs define it.</summary>
    /// <param name="graph">The graph that uses the name.</param>
    /// <param name="name">The name.</param>
    public string Key(GraphProto graph, string name)
    {
        if (!_twice.Contains(name))
            return name;

        var homes = _homes[name];
        for (var scope = graph; scope is not null; scope = _parents.GetValueOrDefault(scope))
        {
            if (homes.FindIndex(home => ReferenceEquals(home, scope)) is var found and >= 0)
                return found == 0 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}\0{found}");
        }

        return name;
    }

    private void Add(GraphProto graph)
    {
        var names = graph.Input.Select(input => input.Name).Concat(graph.Initializer.Select(tensor => tensor.Name))
            .Concat(graph.Node.SelectMany(node => node.Output));
        foreach (var name in names.Where(name => name.Length > 0))
        {
            if (!_homes.TryGetValue(name, out var homes))
                _homes[name] = homes = [];

            if (homes.Count > 0 && !ReferenceEquals(homes[^1], graph))
                _twice.Add(name);

            if (homes.Count == 0 || !ReferenceEquals(homes[^1], graph))
                homes.Add(graph);
        }

        foreach (var inner in graph.Node.SelectMany(GraphWalk.Subgraphs))
        {
            _parents[inner] = graph;
            Add(inner);
        }
    }
}
