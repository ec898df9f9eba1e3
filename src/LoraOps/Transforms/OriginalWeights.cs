using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>The weights of a base model as the deltas of some adapters see them: in PyTorch's layout, under whatever name they are stored.</summary>
internal sealed class OriginalWeights : IDisposable
{
    private readonly Dictionary<AdapterModule, TargetWeight> _targets = new(ReferenceEqualityComparer.Instance);

    private OriginalWeights(SourceModel model, IReadOnlyList<Adapter> adapters)
    {
        Model = model;
        var findings = new Findings(new List<Problem>(), Warnings);

        // Each by itself: here nothing is added up in one weight, so that no two are in each other's way.
        Adapters = new BareNames(model, new MergeOptions(), findings).Resolve([.. adapters.Select(adapter => new WeightedAdapter(adapter))])
            .Select(source => source.Adapter).ToList();
        foreach (var adapter in Adapters)
            Find(adapter, findings);

        if (findings.Problems.Count > 0)
            throw new LoraOpsException([.. findings.Problems]);
    }

    /// <summary>The checkpoint.</summary>
    public SourceModel Model { get; }

    /// <summary>The adapters, their layers named as the base names them where they were flat.</summary>
    public IReadOnlyList<Adapter> Adapters { get; }

    /// <summary>What was odd about the base and these adapters.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Opens a base.</summary>
    /// <exception cref="LoraOpsException">It cannot be read, or a layer has another shape than an adapter needs.</exception>
    public static OriginalWeights Open(string path, IReadOnlyList<Adapter> adapters)
    {
        var model = SourceModel.Open(path);
        try
        {
            return new OriginalWeights(model, adapters);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>The weight that a module's delta changes; null if the base has none.</summary>
    public TargetWeight? Of(AdapterModule module) => _targets.GetValueOrDefault(module);

    /// <summary>The base's own value of a replaced parameter; null if it has none.</summary>
    public Tensor? Of(Replacement replacement) => Model.Find(replacement.Module, replacement.Parameter);

    // Saved modules are no changes here, and a layer that the base lacks matters only if it is asked for.
    private void Find(Adapter adapter, Findings findings)
    {
        var lacking = new Findings(findings.Problems, new List<string>());
        var changes = new ChangePlanner(Model, new MergeOptions { AllowUnmatched = true }, lacking)
            .Plan([new WeightedAdapter(adapter with { Replacements = [] })]);
        new OrientationRule(Model, changes.Values, findings).Apply();
        var targets = new Targets(Model, changes);
        foreach (var change in changes.Values)
        {
            foreach (var addition in change.Additions)
                _targets[addition.Module] = targets.Of(change, addition);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Model.Dispose();
}
