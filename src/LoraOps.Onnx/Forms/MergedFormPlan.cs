using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Problems;

namespace LoraOps.Onnx.Forms;

/// <summary>Everything that a merge will change, found before anything is changed.</summary>
/// <param name="Weights">Weights with their deltas or replacements.</param>
/// <param name="Parameters">Biases and other parameters that are replaced.</param>
internal sealed record MergedFormPlan(IReadOnlyList<WeightTarget> Weights, IReadOnlyList<ParameterTarget> Parameters)
{
    /// <summary>What the user should look at.</summary>
    public IEnumerable<string> Warnings => Weights.SelectMany(target => target.Resolution.Warnings).Distinct(StringComparer.Ordinal);

    /// <summary>Maps every module and replaced parameter of every adapter.</summary>
    /// <exception cref="LoraOpsException">All that could not be mapped.</exception>
    public static MergedFormPlan Make(
        OnnxModel model, GraphIndex index, IReadOnlyList<WeightedAdapter> adapters, MappingOptions options)
    {
        Mergeable.Require(adapters.Select(adapter => adapter.Adapter));
        FormMetadata.RefuseConverted(model);
        var problems = new List<Problem>();
        var resolver = new ModuleResolver(model, index, options);
        var replacements = Replacements(adapters, problems);
        resolver.Expected = [.. Expected(adapters)];
        var weights = Deltas(resolver, adapters, problems).Concat(Wholes(resolver, replacements, problems)).ToList();
        CheckClaims(model, weights.Select(target => target.Resolution), problems);
        var found = weights.ToDictionary(target => target.Resolution.Module.Value, target => target.Resolution, StringComparer.Ordinal);
        var parameters = new ParameterResolver(model, index, resolver);
        var others = replacements.Where(replacement => !IsWhole(replacement))
            .Select(replacement => parameters.Resolve(replacement, found.GetValueOrDefault(replacement.Module.Value), problems))
            .OfType<ParameterTarget>().ToList();
        CheckOverlap(model, replacements, weights, problems);
        return problems.Count == 0 ? new MergedFormPlan(weights, others) : throw new LoraOpsException(problems);
    }

    /// <summary>True for a whole weight of a layer; biases, norms and other vectors are parameters.</summary>
    public static bool IsWhole(Replacement replacement) => replacement.Parameter == "weight" && replacement.Value.Shape.Rank >= 2;

    private static IEnumerable<WeightTarget> Deltas(
        ModuleResolver resolver, IReadOnlyList<WeightedAdapter> adapters, List<Problem> problems)
    {
        var modules = adapters.SelectMany(adapter => adapter.Adapter.Modules.Select(module => (Source: adapter, Module: module))).ToList();
        problems.AddRange(modules.Where(pair => !Folds(pair.Module.Delta)).Select(pair =>
            MappingProblems.DeltaUnmapped(pair.Source.Adapter.Folder, pair.Module.Name.Parameter(pair.Module.Delta.Parameter), pair.Module.Delta.Method)));
        foreach (var same in modules.Where(pair => Folds(pair.Module.Delta)).GroupBy(pair => pair.Module.Name))
        {
            var first = same.First();
            problems.AddRange(same.Skip(1).Select(other => Clash(first, other)).OfType<Problem>());
            var deltas = same.Select(pair => (pair.Module.Delta, (float)pair.Source.Weight)).ToList();
            if (resolver.Resolve(same.Key, first.Module.Delta.Layer, first.Module.Delta.WeightShape!, problems) is { } resolution)
                yield return new WeightTarget(resolution, deltas, null);
        }
    }

    /// <summary>Every module of the adapters, for evidence by order.</summary>
    public static IEnumerable<WantedWeight> Expected(IReadOnlyList<WeightedAdapter> adapters) => adapters
        .SelectMany(adapter => adapter.Adapter.Modules)
        .Where(module => Folds(module.Delta))
        .Select(module => Wanted(module.Name, module.Delta))
        .DistinctBy(wanted => wanted.Module);

    /// <summary>What a delta that folds is looked for by.</summary>
    public static WantedWeight Wanted(ModuleName module, Delta delta) => new(module, delta.Layer, delta.WeightShape!) { Groups = delta.Groups };

    /// <summary>True if a delta's place can be found: by the shape of the weight; one that only the base tells cannot be checked.</summary>
    public static bool Folds(Delta delta) => delta is { Parameter: "weight", WeightShape: not null };

    // Why two deltas of one weight have no sum, or null.
    private static Problem? Clash((WeightedAdapter Source, AdapterModule Module) one, (WeightedAdapter Source, AdapterModule Module) other)
    {
        var (tensor, first, second) = (one.Module.Name.Parameter("weight"), one.Source.Adapter.Name, other.Source.Adapter.Name);
        var (mine, theirs) = (one.Module.Delta, other.Module.Delta);
        if (mine.Layer != theirs.Layer || !mine.WeightShape!.Equals(theirs.WeightShape))
            return MergeProblems.Conflict(tensor, first, second, $"one is for a weight {mine.WeightShape}, the other for {theirs.WeightShape}");

        return mine.NeedsWeight || theirs.NeedsWeight ? MergeProblems.RescaledSum(tensor, first, second) : null;
    }

    private static IEnumerable<WeightTarget> Wholes(ModuleResolver resolver, List<Replacement> replacements, List<Problem> problems) =>
        replacements.Where(IsWhole)
            .Select(replacement => resolver.Resolve(replacement.Module, null, replacement.Value.Shape, problems) is { } resolution
                ? new WeightTarget(resolution, [], replacement)
                : null)
            .OfType<WeightTarget>();

    private static List<Replacement> Replacements(IReadOnlyList<WeightedAdapter> adapters, List<Problem> problems)
    {
        foreach (var adapter in adapters.Where(adapter => adapter.Weight != 1))
        {
            problems.AddRange(adapter.Adapter.Replacements.Select(replacement =>
                MergeProblems.WeightedReplacement(replacement.FullName, adapter.Adapter.Name, adapter.Weight)));
        }

        var all = adapters.SelectMany(adapter => adapter.Adapter.Replacements.Select(replacement => (replacement, adapter.Adapter.Name)));
        var groups = all.GroupBy(pair => pair.replacement.FullName, StringComparer.Ordinal).ToList();
        foreach (var clash in groups.Where(group => group.Count() > 1))
            problems.Add(MappingProblems.ReplacedTwice(clash.Key, clash.First().Name, clash.Last().Name));

        return [.. groups.Select(group => group.First().replacement)];
    }

    /// <summary>Refuses rows of a node that two modules claim.</summary>
    public static void CheckClaims(OnnxModel model, IEnumerable<Resolution> resolutions, List<Problem> problems)
    {
        var claims = resolutions.SelectMany(resolution => resolution.Places.Select(place => (Place: place, resolution.Module)));
        foreach (var node in claims.GroupBy(claim => claim.Place.Use.Node, ReferenceEqualityComparer.Instance)
            .SelectMany(node => node.GroupBy(claim => claim.Place.Use.Edge.Input)))
        {
            var rows = node.OrderBy(claim => claim.Place.Rows?.First ?? 0).ToList();
            for (var i = 1; i < rows.Count; i++)
            {
                if (rows[i].Place.Rows is not { } mine || rows[i - 1].Place.Rows is not { } before || mine.First < before.End)
                    problems.Add(MappingProblems.NodeClaimedTwice(model.Path, rows[i].Place.Use.Node.Name, rows[i - 1].Module.Value, rows[i].Module.Value));
            }
        }
    }

    // An adapter that both replaces and adapts a weight has no single meaning.
    private static void CheckOverlap(OnnxModel model, List<Replacement> replacements, List<WeightTarget> weights, List<Problem> problems)
    {
        foreach (var both in replacements.Where(IsWhole)
            .Where(whole => weights.Any(target => target.Deltas.Count > 0 && target.Resolution.Module == whole.Module)))
        {
            problems.Add(MappingProblems.ParameterUnmapped(model.Path, both.FullName, "it also adds a delta to it"));
        }
    }
}
