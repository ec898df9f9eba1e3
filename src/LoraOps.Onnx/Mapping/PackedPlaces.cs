using LoraOps.Adapters;

namespace LoraOps.Onnx.Mapping;

/// <summary>Finds modules that the graph packs into one node, and packed modules that the graph keeps in several nodes, by their names.</summary>
internal sealed class PackedPlaces(NamedPlaces names)
{
    private readonly NamedPlaces _names = names;

    /// <summary>The rows of a packed node that are the module's; none if no packed node bears a fitting name.</summary>
    public IReadOnlyList<Candidate> Inside(WantedWeight wanted)
    {
        foreach (var part in wanted.Aliases.SelectMany(PackedModules.Around))
        {
            var found = _names.Find([part.Packed], wanted.Layer)
                .Where(candidate => !candidate.IsContradicted && wanted.HasColumnsOf(candidate.Use))
                .Select(candidate => (Candidate: candidate, First: part.FirstRow(wanted.Rows, candidate.Use.Shape[0])))
                .ToList();
            if (found.Count > 0 && found.All(pair => pair.First is not null)
                && _names.Ambiguity(wanted.Module, [.. found.Select(pair => pair.Candidate)]) is null)
            {
                return [.. found.Select(pair => pair.Candidate with
                {
                    Place = pair.Candidate.Place with { Rows = new RowRange(pair.First!.Value, wanted.Rows) },
                })];
            }
        }

        return [];
    }

    /// <summary>The nodes that together are the module; none if they are not all there, or do not add up.</summary>
    public IReadOnlyList<Candidate> Split(WantedWeight wanted)
    {
        foreach (var parts in wanted.Aliases.SelectMany(PackedModules.Inside))
        {
            if (Split(wanted, parts) is { Count: > 0 } found)
                return found;
        }

        return [];
    }

    private List<Candidate> Split(WantedWeight wanted, IReadOnlyList<ModuleName> parts)
    {
        var places = new List<Candidate>();
        long at = 0;
        foreach (var part in parts)
        {
            var nodes = _names.Find([part], wanted.Layer)
                .Where(candidate => !candidate.IsContradicted && wanted.HasColumnsOf(candidate.Use)).ToList();
            if (nodes.Count == 0 || _names.Ambiguity(part, nodes) is not null || nodes.Select(node => node.Use.Shape[0]).Distinct().Count() > 1)
                return [];

            var range = new RowRange(at, nodes[0].Use.Shape[0]);
            places.AddRange(nodes.Select(node => node with { Place = node.Place with { Part = range } }));
            at = range.End;
        }

        return at == wanted.Rows ? places : [];
    }
}
