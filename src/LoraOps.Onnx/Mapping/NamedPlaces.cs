using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Onnx.Mapping;

/// <summary>Finds nodes by what names, metadata and paths say.</summary>
internal sealed class NamedPlaces
{
    private readonly string _path;

    // Names agree from their ends, so that the last parts find the few nodes that are worth a look.
    private readonly ILookup<string, Bearer> _byEnd;

    /// <summary>Collects the names of all nodes.</summary>
    public NamedPlaces(OnnxModel model, IReadOnlyList<WeightUse> uses)
    {
        _path = model.Path;
        var folded = new FoldedNames(model);
        var bearers = uses.Select((use, position) => new Bearer(position, use, EvidenceTiers.Names(use, folded)));
        _byEnd = bearers.SelectMany(bearer => bearer.Names.Select(name => End(name.Name)).Distinct(StringComparer.Ordinal).Select(end => (end, bearer)))
            .ToLookup(pair => pair.end, pair => pair.bearer, StringComparer.Ordinal);
    }

    /// <summary>The nodes that best bear one of these names; none if no node does.</summary>
    /// <param name="aliases">The module's names.</param>
    /// <param name="layer">What it computes, or null if any kind will do.</param>
    public IReadOnlyList<Candidate> Find(IReadOnlyList<ModuleName> aliases, LayerKind? layer)
    {
        var found = aliases.Select(alias => End(alias.Value)).Distinct(StringComparer.Ordinal).SelectMany(end => _byEnd[end])
            .Where(bearer => layer is null || bearer.Use.Layer == layer)
            .DistinctBy(bearer => bearer.Position).OrderBy(bearer => bearer.Position)
            .Select(bearer => new Candidate(new WeightPlace(bearer.Use), EvidenceTiers.For(aliases, bearer.Names)))
            .Where(candidate => candidate.Evidence.Count > 0)
            .ToList();

        // Equal weights may be stored once under one module's name: then the node's own path decides.
        found = [.. found.Where(candidate => candidate.Use.PathModule is null || candidate.Has(EvidenceTier.NodePath)
            || !found.Any(other => other.Use.Name == candidate.Use.Name && other.Has(EvidenceTier.NodePath)))];
        var trusted = found.Where(candidate => !candidate.IsContradicted).ToList();
        if (trusted.Count == 0)
            return found;

        var best = trusted.Max(candidate => candidate.Agreement);
        return [.. trusted.Where(candidate => candidate.Agreement == best)];
    }

    /// <summary>Why several nodes cannot all be one module's, or null.</summary>
    public Problem? Ambiguity(ModuleName module, IReadOnlyList<Candidate> candidates)
    {
        var owners = candidates.Select(candidate => candidate.Use.ModuleGuess).Distinct(StringComparer.Ordinal).ToList();
        return candidates.Any(candidate => candidate.IsExact) || owners.Count <= 1
            ? null
            : MappingProblems.ModuleAmbiguous(_path, module.Value, string.Join(", ", owners.Select(owner => $"'{owner}'")));
    }

    private static string End(string name) => name[(name.LastIndexOf('.') + 1)..];

    private sealed record Bearer(int Position, WeightUse Use, IReadOnlyList<(EvidenceTier Tier, string Name)> Names);
}
