using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Onnx.Mapping;

/// <summary>Finds nodes by what names, metadata and paths say.</summary>
internal sealed class NamedPlaces(OnnxModel model, IReadOnlyList<WeightUse> uses)
{
    private readonly FoldedNames _folded = new(model);
    private readonly IReadOnlyList<WeightUse> _uses = uses;
    private readonly string _path = model.Path;

    /// <summary>The nodes that best bear one of these names; none if no node does.</summary>
    /// <param name="aliases">The module's names.</param>
    /// <param name="layer">What it computes, or null if any kind will do.</param>
    public IReadOnlyList<Candidate> Find(IReadOnlyList<ModuleName> aliases, LayerKind? layer)
    {
        var found = _uses
            .Where(use => layer is null || use.Layer == layer)
            .Select(use => new Candidate(new WeightPlace(use), EvidenceTiers.For(aliases, use, _folded)))
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
}
