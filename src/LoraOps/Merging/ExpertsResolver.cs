using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>
/// Chooses which raw parameter of the base each LoRA on parameters belongs to, and in which layout: by the config's names, by the
/// shapes, then by the order in which models register their parameters; equal dimensions by what the others show and PEFT's version.
/// </summary>
internal sealed class ExpertsResolver(SourceModel model, Findings findings)
{
    private const int MostWrappers = 6;

    // PEFT before 0.19 took every parameter as [experts, in, out]; later ones ask the module, and only gpt-oss says so.
    private const string TransposedFamily = "gpt_oss";
    private static readonly Version AsksTheModule = new(0, 19);

    // As models register them, so that the first is wrapped first.
    private static readonly string[] Registered = ["gate_up_proj", "gate_proj", "w1", "wi", "up_proj", "v1", "w3", "down_proj", "w2", "wo"];

    /// <summary>The adapter's modules with every parameter chosen; one without a choice stays as it is, or is a problem.</summary>
    public IReadOnlyList<AdapterModule> Resolve(Adapter adapter)
    {
        var groups = adapter.Modules.Where(module => module.Delta is ExpertsDelta).GroupBy(module => module.Name).ToList();
        if (groups.Count == 0)
            return adapter.Modules;

        var chosen = groups.SelectMany(group => Choose(adapter, [.. group.OrderByDescending(module => ((ExpertsDelta)module.Delta).Depth)])).ToList();
        var shown = chosen.Where(choice => !choice.IsEitherWay).Select(choice => choice.IsTransposed).Distinct().ToList();
        var resolved = chosen.Select(choice => Resolved(adapter, choice, shown)).OfType<AdapterModule>();
        return [.. adapter.Modules.Where(module => module.Delta is not ExpertsDelta).Concat(resolved).Concat(Split(adapter, groups))];
    }

    private static ExpertsDelta DeltaOf(AdapterModule module) => (ExpertsDelta)module.Delta;

    private IEnumerable<(string Parameter, Tensor Stored)> Found(AdapterModule module) => DeltaOf(module).Parameters
        .Select(parameter => (parameter, model.Find(module.Name, parameter)))
        .Where(found => found.Item2 is not null)!;

    private List<Choice> Choose(Adapter adapter, List<AdapterModule> wrappers)
    {
        var found = Found(wrappers[0]).ToList();
        if (found.Count == 0)
            return [];

        if (wrappers.Count > MostWrappers || found.Count > MostWrappers)
            return Refused(AdapterProblems.ParameterAmbiguous(adapter.Folder, wrappers[0].Name.Value, $"has more than {MostWrappers} adapted parameters"));

        var ways = Ways(wrappers, found).ToList();
        var ordered = ways.Count > 1 ? [.. ways.Where(InOrder)] : ways;
        return ordered.Count switch
        {
            1 => ordered[0],
            0 when ways.Count == 0 => Refused(MergeProblems.ShapeMismatch(
                model.Weights.Path, found[0].Stored.Name, found[0].Stored.Shape.ToString(), adapter.Name, wrappers[0].Delta.Expected)),
            _ => Refused(AdapterProblems.ParameterAmbiguous(
                adapter.Folder, wrappers[0].Name.Value, $"its factors fit {string.Join(", ", found.Select(one => one.Parameter))} in several ways")),
        };
    }

    private List<Choice> Refused(Problem problem)
    {
        findings.Problems.Add(problem);
        return [];
    }

    // Every way to give each wrapper a parameter of its own that it fits.
    private static IEnumerable<List<Choice>> Ways(List<AdapterModule> wrappers, List<(string Parameter, Tensor Stored)> found)
    {
        if (wrappers.Count == 0)
            return [[]];

        return found.Where(one => wrappers[0].Delta.Fits(one.Stored.Shape)).SelectMany(one =>
            Ways(wrappers[1..], [.. found.Where(other => other.Parameter != one.Parameter)])
                .Select(rest => rest.Prepend(new Choice(wrappers[0], one.Parameter, one.Stored.Shape)).ToList()));
    }

    private static bool InOrder(List<Choice> way)
    {
        var places = way.ConvertAll(choice => Array.IndexOf(Registered, choice.Parameter));
        return !places.Contains(-1) && places.Zip(places.Skip(1)).All(pair => pair.First < pair.Second);
    }

    private AdapterModule? Resolved(Adapter adapter, Choice choice, List<bool> shown)
    {
        var isTransposed = choice.IsEitherWay ? shown.Count == 1 ? shown[0] : OfVersion(adapter.Config.PeftVersion) : choice.IsTransposed;
        if (isTransposed is { } layout)
            return choice.Module with { Delta = DeltaOf(choice.Module).For(choice.Parameter, choice.Stored, layout) };

        findings.Problems.Add(AdapterProblems.ParameterAmbiguous(
            adapter.Folder, choice.Module.Name.Value, $"parameter '{choice.Parameter}' {choice.Stored} may be [experts, out, in] or [experts, in, out]"));
        return null;
    }

    private bool? OfVersion(string? peftVersion)
    {
        // The config has told its version since 0.18.
        if (peftVersion is null)
            return true;

        var numbers = peftVersion.Split('.');
        if (numbers.Length < 2 || !int.TryParse(numbers[0], NumberStyles.None, CultureInfo.InvariantCulture, out var major) ||
            !int.TryParse(numbers[1], NumberStyles.None, CultureInfo.InvariantCulture, out var minor))
            return null;

        return new Version(major, minor) < AsksTheModule ? true : model.Config?.ModelType is { } family ? family == TransposedFamily : null;
    }

    // A base that stores each expert by itself takes each expert's part of the product.
    private IEnumerable<AdapterModule> Split(Adapter adapter, IEnumerable<IGrouping<ModuleName, AdapterModule>> groups)
    {
        foreach (var module in groups.SelectMany(group => group).Where(module => !Found(module).Any()))
        {
            var parts = UnfusedExperts.Of(model, module.Name, DeltaOf(module));
            if (parts.Count > 0)
                findings.Warnings.Add($"adapter '{adapter.Name}': '{module.Name}' is fused there and stored expert by expert in the base");

            foreach (var part in parts.Count > 0 ? parts.Select(part => module with { Name = part.Module, Delta = part.Delta }) : [module])
                yield return part;
        }
    }

    private sealed record Choice(AdapterModule Module, string Parameter, TensorShape Stored)
    {
        public bool IsTransposed => DeltaOf(Module).FitsLayout(Stored, isTransposed: true);

        public bool IsEitherWay => IsTransposed && DeltaOf(Module).FitsLayout(Stored, isTransposed: false);
    }
}
