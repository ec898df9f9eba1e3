using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>
/// Finds the nodes of an adapter's modules by evidence. Evidence that contradicts (metadata that names another module) outweighs
/// a name that agrees, every site is checked by kind and shape, and a weight that the exporter rewrote is refused.
/// </summary>
public sealed class ModuleResolver
{
    private readonly OnnxModel _model;
    private readonly FoldedNames _folded;
    private readonly MappingOptions _options;

    /// <summary>Prepares to resolve modules in one graph.</summary>
    public ModuleResolver(OnnxModel model, GraphIndex index, MappingOptions options)
    {
        _model = model;
        _folded = new FoldedNames(model);
        _options = options;
        Base = options.Base is null ? null : new CheckpointComparison(options.Base, model);
        Uses = WeightUses.Find(index);
    }

    /// <summary>Every use of a stored weight in the graph.</summary>
    public IReadOnlyList<WeightUse> Uses { get; }

    /// <summary>The comparison with the base checkpoint, or null if none was given.</summary>
    public CheckpointComparison? Base { get; }

    /// <summary>Finds a module's nodes, or adds the reason why not to <paramref name="problems"/> and gives null.</summary>
    /// <param name="module">The module.</param>
    /// <param name="layer">What it computes; null if any kind will do.</param>
    /// <param name="shape">Its weight's shape in PyTorch's layout.</param>
    /// <param name="problems">Receives what is wrong.</param>
    public Resolution? Resolve(ModuleName module, LayerKind? layer, TensorShape shape, ICollection<Problem> problems)
    {
        IReadOnlyList<ModuleName> aliases = [.. ModuleAliases.Candidates(module)];
        var found = Mapped(module, problems, out var isMapped) ?? Candidates(aliases, layer);
        if (isMapped && found.Count == 0)
            return null;

        var named = found.Where(candidate => !candidate.IsContradicted).ToList();
        if (named.Count == 0)
        {
            problems.Add(NotFound(module, found.FirstOrDefault()?.Use));
            return null;
        }

        var best = named.Max(candidate => candidate.Match);
        named = [.. named.Where(candidate => candidate.Match == best)];
        var owners = named.Select(candidate => candidate.Use.ModuleGuess).Distinct(StringComparer.Ordinal).ToList();
        if (best != NameMatch.Exact && owners.Count > 1)
        {
            problems.Add(MappingProblems.ModuleAmbiguous(_model.Path, module.Value, string.Join(", ", owners.Select(owner => $"'{owner}'"))));
            return null;
        }

        return Checked(module, aliases, layer, shape, named, problems);
    }

    private Resolution? Checked(
        ModuleName module, IReadOnlyList<ModuleName> aliases, LayerKind? layer, TensorShape shape,
        List<Candidate> candidates, ICollection<Problem> problems)
    {
        foreach (var candidate in candidates)
        {
            if (Fault(module, aliases, layer, shape, candidate) is { } problem)
            {
                problems.Add(problem);
                return null;
            }
        }

        var tiers = candidates.SelectMany(candidate => candidate.Evidence).Select(evidence => evidence.Tier);
        return new Resolution(module, [.. candidates.Select(candidate => new WeightPlace(candidate.Use))], [.. tiers.Distinct().Order()], Base is not null);
    }

    private Problem? Fault(
        ModuleName module, IReadOnlyList<ModuleName> aliases, LayerKind? layer, TensorShape shape, Candidate candidate)
    {
        var use = candidate.Use;
        if (use.Groups > 1 && layer is not null)
            return MappingProblems.ConvolutionGrouped(_model.Path, module.Value, use.Groups);

        if (!use.Shape.Equals(shape))
            return MappingProblems.SiteShapeDiffers(_model.Path, module.Value, $"a weight {shape}", $"'{use.Name}' with {use.Shape} at node '{use.Node.Name}'");

        if (OnnxTensor.TypeOf(use.Tensor.DataType) is not { } type || !StoredWeight.IsWritable(type) || use.Alpha == 0)
            return MappingProblems.WeightTypeUnsupported(_model.Path, module.Value, OnnxTensor.TypeOf(use.Tensor.DataType)?.Name() ?? "another type");

        if (Base is not null)
        {
            return Base.Difference(aliases, use) is { } difference
                ? IsRewritten(candidate) is { } why
                    ? MappingProblems.WeightRewritten(_model.Path, module.Value, $"{why}, and {difference}")
                    : MappingProblems.BaseDiffers(_model.Path, module.Value, use.Name, difference)
                : null;
        }

        return IsRewritten(candidate) is { } reason ? MappingProblems.WeightRewritten(_model.Path, module.Value, reason) : null;
    }

    // Exporters fold a batch norm into the convolution before it: TorchScript then renames the weight, which it never does
    // otherwise; dynamo keeps the name and calls the new bias WEIGHT_bias.
    private static string? IsRewritten(Candidate candidate)
    {
        var use = candidate.Use;
        if (use.Layer != LayerKind.Convolution || candidate.IsMapped)
            return null;

        if (candidate.Evidence.All(evidence => evidence.Tier != EvidenceTier.ExactName))
            return $"the exporter renamed it to '{use.Name}'";

        return use.Bias?.Value == use.Name + "_bias" ? $"the exporter gave it a bias '{use.Bias?.Value}'" : null;
    }

    private Problem NotFound(ModuleName module, WeightUse? contradicted)
    {
        if (contradicted is null)
            return MappingProblems.ModuleUnmapped(_model.Path, module.Value, NearMisses.Phrase(module.Value, Uses.Select(use => use.ModuleGuess)));

        var who = $"'{contradicted.Name}' is used by node '{contradicted.Node.Name}', which the exporter records as '{contradicted.ModuleGuess}'";
        return contradicted.Layer == LayerKind.Convolution
            ? MappingProblems.WeightRewritten(_model.Path, module.Value, who)
            : MappingProblems.ModuleUnmapped(_model.Path, module.Value, $"; {who}");
    }

    private List<Candidate> Candidates(IReadOnlyList<ModuleName> aliases, LayerKind? layer)
    {
        var found = Uses
            .Where(use => layer is null || use.Layer == layer)
            .Select(use => new Candidate(use, EvidenceTiers.For(aliases, use, _folded)))
            .Where(candidate => candidate.Evidence.Count > 0)
            .ToList();

        // Equal weights may be stored once under one module's name: then the node's own path decides.
        return [.. found.Where(candidate => candidate.Use.PathModule is null || candidate.Has(EvidenceTier.NodePath)
            || !found.Any(other => other.Use.Name == candidate.Use.Name && other.Has(EvidenceTier.NodePath)))];
    }

    private List<Candidate>? Mapped(ModuleName module, ICollection<Problem> problems, out bool isMapped)
    {
        isMapped = _options.Map.Entries.TryGetValue(module.Value, out var target);
        if (!isMapped)
            return null;

        var found = Uses.Where(use => use.Node.Name == target || use.Name == target)
            .Select(use => new Candidate(use, [new Evidence(EvidenceTier.Map, NameMatch.Exact)])).ToList();
        if (found.Count == 0)
        {
            problems.Add(MappingProblems.MapInvalid(_options.Map.Path, $"module '{module}' is mapped to '{target}', which the graph does not have"
                + NearMisses.Phrase(target ?? "", Uses.SelectMany(use => new[] { use.Node.Name, use.Name }))));
        }

        return found;
    }

    private sealed record Candidate(WeightUse Use, IReadOnlyList<Evidence> Evidence)
    {
        public NameMatch Match => Evidence.Max(evidence => evidence.Match);

        public bool IsMapped => Has(EvidenceTier.Map);

        public bool IsContradicted => Use.MetadataModule is not null && !IsMapped && !Has(EvidenceTier.Metadata);

        public bool Has(EvidenceTier tier) => Evidence.Any(evidence => evidence.Tier == tier);
    }
}
