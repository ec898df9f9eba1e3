using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;

namespace LoraOps.Onnx.Branches;

/// <summary>One adapter's change of a module's weight.</summary>
/// <param name="Adapter">The adapter's position in the command.</param>
/// <param name="Delta">The change.</param>
/// <param name="Weight">The adapter's weight.</param>
internal sealed record BranchChange(int Adapter, Delta Delta, double Weight);

/// <summary>A module, its nodes, and the adapters that change its weight.</summary>
internal sealed record BranchModule(Resolution Resolution, IReadOnlyList<BranchChange> Changes);

/// <summary>A whole value that an adapter gives to a parameter.</summary>
internal sealed record ParameterChange(int Adapter, Replacement Replacement);

/// <summary>A bias, norm or other vector that adapters replace.</summary>
/// <param name="Target">Where the parameter is read.</param>
/// <param name="Stored">The base's value.</param>
/// <param name="Changes">The adapters' values for it.</param>
internal sealed record BranchParameter(ParameterTarget Target, TensorProto Stored, IReadOnlyList<ParameterChange> Changes)
{
    /// <summary>What the base graph calls it.</summary>
    public string Name { get; } = Target.Edges[0].Value;
}

/// <summary>A weight that adapters replace as a whole.</summary>
internal sealed record BranchWhole(Resolution Resolution, IReadOnlyList<ParameterChange> Changes);

/// <summary>Everything that several adapters do beside one graph, found before anything is changed.</summary>
/// <param name="Modules">Weights that get a branch, by module in ordinal order.</param>
/// <param name="Wholes">Weights that are replaced.</param>
/// <param name="Parameters">Biases, norms and other parameters that are replaced.</param>
internal sealed record BranchPlan(
    IReadOnlyList<BranchModule> Modules, IReadOnlyList<BranchWhole> Wholes, IReadOnlyList<BranchParameter> Parameters)
{
    /// <summary>Maps every module and parameter of every adapter.</summary>
    /// <exception cref="LoraOpsException">All that could not be mapped.</exception>
    public static BranchPlan Make(OnnxModel model, GraphIndex index, IReadOnlyList<WeightedAdapter> adapters, MappingOptions options)
    {
        FormMetadata.RefuseConverted(model);
        var problems = new List<Problem>(adapters.SelectMany(source => Unsupported(source)));
        problems.AddRange(Doubled(adapters));
        var resolver = new ModuleResolver(model, index, options with { IsBranched = true }) { Expected = [.. MergedFormPlan.Expected(adapters)] };
        var modules = United(Deltas(resolver, adapters, problems));
        var wholes = FindWholes(resolver, adapters, problems).ToList();
        MergedFormPlan.CheckClaims(model, modules.Select(module => module.Resolution), problems);
        var found = modules.Select(module => module.Resolution).Concat(wholes.Select(whole => whole.Resolution))
            .DistinctBy(resolution => resolution.Module).ToDictionary(resolution => resolution.Module);
        var parameters = FindParameters(index, new ParameterResolver(model, index, resolver), (adapters, found), problems).ToList();
        return problems.Count == 0 ? new BranchPlan(modules, wholes, parameters) : throw new LoraOpsException(problems);
    }

    private static IEnumerable<Problem> Unsupported(WeightedAdapter source) => source.Adapter.Modules
        .Where(module => !MergedFormPlan.Folds(module.Delta))
        .Select(module => MappingProblems.DeltaUnmapped(source.Adapter.Folder, module.Name.Parameter(module.Delta.Parameter), module.Delta.Method))
        .Concat(source.Weight == 1 ? [] : source.Adapter.Replacements.Select(replacement =>
            MergeProblems.WeightedReplacement(replacement.FullName, source.Adapter.Name, source.Weight)))
        .Concat(source.Adapter.Replacements.Where(MergedFormPlan.IsWhole)
            .Where(whole => source.Adapter.Modules.Any(module => module.Name == whole.Module))
            .Select(whole => MappingProblems.ParameterUnmapped(source.Adapter.Folder, whole.FullName, "it also adds a delta to it")));

    private static IEnumerable<Problem> Doubled(IReadOnlyList<WeightedAdapter> adapters) => adapters
        .GroupBy(source => source.Adapter.Name, StringComparer.Ordinal).Where(same => same.Count() > 1)
        .Select(same => FormProblems.AdapterNamedTwice(same.Last().Adapter.Folder, same.Key));

    private static IEnumerable<BranchModule> Deltas(ModuleResolver resolver, IReadOnlyList<WeightedAdapter> adapters, List<Problem> problems)
    {
        var changes = adapters.Index().SelectMany(source => source.Item.Adapter.Modules
            .Where(module => MergedFormPlan.Folds(module.Delta))
            .Select(module => (module.Name, Change: new BranchChange(source.Index, module.Delta, source.Item.Weight))));
        foreach (var same in changes.GroupBy(pair => pair.Name).OrderBy(group => group.Key.Value, StringComparer.Ordinal))
        {
            var first = same.First().Change;
            var odd = same.FirstOrDefault(pair => !IsSameWeight(pair.Change.Delta, first.Delta));
            if (odd.Change is not null)
            {
                problems.Add(MergeProblems.Conflict(
                    same.Key.Parameter("weight"), adapters[first.Adapter].Adapter.Name, adapters[odd.Change.Adapter].Adapter.Name,
                    $"one is for a weight {Described(first.Delta)}, the other for {Described(odd.Change.Delta)}"));
            }
            else if (resolver.Resolve(MergedFormPlan.Wanted(same.Key, first.Delta), problems) is { } resolution)
            {
                yield return new BranchModule(resolution, [.. same.Select(pair => pair.Change)]);
            }
        }
    }

    private static bool IsSameWeight(Delta one, Delta other) =>
        one.Layer == other.Layer && one.WeightShape!.Equals(other.WeightShape) && one.Groups == other.Groups;

    private static string Described(Delta delta) => delta.WeightShape + (delta.Groups == 1 ? "" : $" in {delta.Groups} groups");

    // Adapters trained under other versions of a library call one layer by different names: the graph's own name counts.
    private static List<BranchModule> United(IEnumerable<BranchModule> modules)
    {
        var united = new List<BranchModule>();
        foreach (var module in modules)
        {
            var at = united.FindIndex(other => IsSamePlace(module.Resolution, other.Resolution)
                && !other.Changes.Any(change => module.Changes.Any(mine => mine.Adapter == change.Adapter)));
            if (at < 0)
            {
                united.Add(module);
                continue;
            }

            var place = module.Resolution.Places[0].Use;
            var named = ModulePath.Compare(place.ModuleGuess, module.Resolution.Module.Value) != NameMatch.None ? module : united[at];
            united[at] = named with { Changes = [.. united[at].Changes.Concat(module.Changes).OrderBy(change => change.Adapter)] };
        }

        return united;
    }

    private static bool IsSamePlace(Resolution one, Resolution other) => one.Places.Count == other.Places.Count
        && one.Places.Zip(other.Places).All(pair => ReferenceEquals(pair.First.Use.Node, pair.Second.Use.Node)
            && pair.First.Rows == pair.Second.Rows && pair.First.Part == pair.Second.Part);

    private static IEnumerable<BranchWhole> FindWholes(ModuleResolver resolver, IReadOnlyList<WeightedAdapter> adapters, List<Problem> problems)
    {
        foreach (var same in Replacements(adapters, MergedFormPlan.IsWhole))
        {
            if (resolver.Resolve(same.First().Replacement.Module, null, same.First().Replacement.Value.Shape, problems) is { } resolution)
                yield return new BranchWhole(resolution, [.. same]);
        }
    }

    private static IEnumerable<BranchParameter> FindParameters(
        GraphIndex index, ParameterResolver parameters,
        (IReadOnlyList<WeightedAdapter> Adapters, Dictionary<ModuleName, Resolution> Found) known, List<Problem> problems)
    {
        foreach (var same in Replacements(known.Adapters, replacement => !MergedFormPlan.IsWhole(replacement)))
        {
            var targets = same.Select(change =>
                parameters.Resolve(change.Replacement, known.Found.GetValueOrDefault(change.Replacement.Module), problems)).ToList();
            if (targets.All(target => target is not null))
                yield return new BranchParameter(targets[0]!, index.Stored(targets[0]!.Edges[0])!, [.. same]);
        }
    }

    private static IEnumerable<IGrouping<string, ParameterChange>> Replacements(
        IReadOnlyList<WeightedAdapter> adapters, Func<Replacement, bool> wanted) => adapters.Index()
        .SelectMany(source => source.Item.Adapter.Replacements.Where(wanted).Select(replacement => new ParameterChange(source.Index, replacement)))
        .GroupBy(change => change.Replacement.FullName, StringComparer.Ordinal)
        .OrderBy(group => group.Key, StringComparer.Ordinal);
}
