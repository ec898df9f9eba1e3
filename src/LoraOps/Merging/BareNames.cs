using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;

namespace LoraOps.Merging;

/// <summary>
/// Finds the base's layers for the module names of adapters without a config: kohya's underscores become dots by the names that
/// the base has, and of an adapter for a whole pipeline only the part for this base is taken.
/// </summary>
internal sealed class BareNames(SourceModel model, MergeOptions options, Findings findings)
{
    private ILookup<string, string>? _modules;

    // The base's modules by their names with underscores for dots; made once, when the first flat name is met.
    private ILookup<string, string> ByFlatName => _modules ??= model.Weights.Names
        .Select(name => name.LastIndexOf('.') is > 0 and var dot ? name[..dot] : name)
        .Distinct(StringComparer.Ordinal)
        .ToLookup(Flatten, StringComparer.Ordinal);

    /// <summary>The adapters with the names that the base has; what fits no layer keeps its own.</summary>
    public IReadOnlyList<WeightedAdapter> Resolve(IReadOnlyList<WeightedAdapter> adapters) =>
        [.. adapters.Select(source => source.Adapter.IsBare ? source with { Adapter = Resolve(source.Adapter) } : source)];

    private Adapter Resolve(Adapter adapter)
    {
        var taken = new Dictionary<(string Tensor, string Parameter), string>();
        var modules = new List<AdapterModule>();
        foreach (var module in OfThisBase(adapter))
        {
            if (Resolve(adapter, module) is not { } resolved)
                continue;

            modules.Add(resolved);

            // Two encoders of a pipeline have the same layers: nobody may add up both.
            var parameter = resolved.Delta.Parameter;
            if (model.Find(resolved.Name, parameter)?.Name is { } tensor && !taken.TryAdd((tensor, parameter), module.Name.Value))
                findings.Problems.Add(MergeProblems.LayerAmbiguous(
                    model.Weights.Path, adapter.Name, [taken[(tensor, parameter)], module.Name.Value], $"are both '{tensor}'"));
        }

        return adapter with { Modules = modules };
    }

    // The base's folder may be called as diffusers calls the component; else every component is tried.
    private List<AdapterModule> OfThisBase(Adapter adapter)
    {
        var folder = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(
            File.Exists(model.Weights.Path) ? Path.GetDirectoryName(Path.GetFullPath(model.Weights.Path))! : model.Weights.Path)));
        if (!adapter.Modules.Any(module => ModuleComponents.Of(module.Name).Contains(folder)))
            return [.. adapter.Modules];

        var others = adapter.Modules.Where(module => ModuleComponents.Of(module.Name) is { Count: > 0 } own && !own.Contains(folder)).ToList();
        foreach (var component in others.GroupBy(module => ModuleComponents.Of(module.Name)[0], StringComparer.Ordinal))
        {
            if (options.AllowUnmatched)
                findings.Warnings.Add($"adapter '{adapter.Name}': {component.Count()} modules of {component.Key} are left out, the base is {folder}");
            else
                findings.Problems.Add(MergeProblems.OtherComponent(model.Weights.Path, adapter.Name, component.Count(), component.Key));
        }

        return [.. adapter.Modules.Except(others)];
    }

    private AdapterModule? Resolve(Adapter adapter, AdapterModule module)
    {
        if (!module.Name.IsFlat)
            return module;

        var rest = ModuleComponents.Rest(module.Name);
        var candidates = ModuleComponents.Roots(module.Name)
            .SelectMany(root => ByFlatName[Flatten(root) + rest].Where(name => name.StartsWith(root, StringComparison.Ordinal)))
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToList();
        if (candidates.Count < 2)
            return module with { Name = new ModuleName(candidates is [var only] ? only : rest) };

        findings.Problems.Add(MergeProblems.LayerAmbiguous(
            model.Weights.Path, adapter.Name, candidates, $"are both written '{module.Name}' with underscores"));
        return null;
    }

    private static string Flatten(string name) => name.Replace('.', '_');
}
