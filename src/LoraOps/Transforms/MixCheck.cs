using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;

namespace LoraOps.Transforms;

/// <summary>Sees that a method has what it needs, and nothing that it does not know.</summary>
internal static class MixCheck
{
    // The squares of what float32 factors, this and a λ give are still float64 numbers.
    private const double MostFactor = 1e60;

    private const long LargeBytes = 100_000_000;

    /// <summary>What is wrong with a request's method and parameters.</summary>
    /// <param name="request">The request.</param>
    /// <param name="modules">Its modules.</param>
    /// <param name="warnings">Receives what has no effect.</param>
    public static IEnumerable<Problem> Problems(MixRequest request, IReadOnlyList<MixedModule> modules, ICollection<string> warnings)
    {
        var (method, settings) = (request.Method, request.Settings);
        if (method.NeedsDensity && settings.Density is null)
            yield return MixProblems.SettingInvalid(
                "", $"method {method.Name} drops elements, and no density says how many", "Give --density, for example 0.5.");

        if (method.NeedsRank && settings.Rank is null && settings.Energy is null)
            yield return MixProblems.SettingInvalid("", $"method {method.Name} cuts the sum to a rank, and none is given", "Give --rank or --energy.");

        if (method.Adapters is { } count && count != request.Adapters.Count)
            yield return MixProblems.SettingInvalid("", $"method {method.Name} takes {count} adapters, {request.Adapters.Count} are given", $"Give {count}.");

        var names = request.Adapters.Select(source => source.Adapter.Name).ToList();
        if (request.Keep is { } keep && !names.Contains(keep))
            yield return MixProblems.SettingInvalid("", $"--keep '{keep}' names none of the adapters {string.Join(", ", names)}", "Name one of them.");

        foreach (var twice in names.GroupBy(name => name).Where(group => group.Count() > 1 && group.Key == request.Keep))
            yield return MixProblems.SettingInvalid("", $"--keep '{twice.Key}' names {twice.Count()} adapters", "Give them names: --adapter NAME=DIR.");

        if (method.NeedsFactors)
        {
            foreach (var (adapter, layers, how) in Without(request, delta => delta.IsProduct))
                yield return MixProblems.DeltaRefused(adapter.Folder, layers, how, $"is no product of two factors, which {method.Name} works on");
        }

        var uneven = method.NeedsEqualRanks ? modules.Where(module => Results.Ranks(module).Distinct().Count() > 1).ToList() : [];
        if (uneven.Count > 0)
            yield return MixProblems.RanksDiffer(method.Name, [.. uneven.Select(module => module.Name.Value)], Results.Ranks(uneven[0]));

        if (method.GivesFullRank && settings.Rank is null && settings.Energy is null && FullBytes(modules) is > LargeBytes and var bytes)
            warnings.Add(string.Create(
                CultureInfo.InvariantCulture, $"method {method.Name} gives full rank, {bytes / 1e9:0.0} GB of float32 factors; --rank or --energy cuts it"));

        foreach (var name in request.Given.Except(method.Settings).Except(["rank", "energy"]))
            warnings.Add($"method {method.Name} does not use {name}");
    }

    /// <summary>Weights and scales that no sum of squares could bear, one of each adapter; in float32 no such delta could be stored anyway.</summary>
    public static IEnumerable<Problem> TooLarge(MixRequest request) =>
        from source in request.Adapters
        let scale = source.Adapter.Modules.Select(module => Math.Abs(module.Delta.Scale)).DefaultIfEmpty(0).Max()
        where !(scale <= MostFactor && Math.Abs(source.Weight) <= MostFactor && scale * Math.Abs(source.Weight) <= MostFactor)
        select MixProblems.SettingInvalid(
            source.Adapter.Folder,
            string.Create(CultureInfo.InvariantCulture, $"a scale of {scale:G3} and the weight {source.Weight:G3} are more than {MostFactor:G3}"),
            "Correct lora_alpha or the weight.");

    private static long FullBytes(IReadOnlyList<MixedModule> modules) =>
        modules.Sum(module => sizeof(float) * ((long)module.Rows + module.Columns) * Math.Min(module.Rows, module.Columns));

    /// <summary>The layers whose deltas are not as wanted, by adapter and by the method that changes them.</summary>
    public static IEnumerable<(Adapter Adapter, IReadOnlyList<string> Layers, string Method)> Without(MixRequest request, Func<Delta, bool> isWanted) =>
        from source in request.Adapters
        from module in source.Adapter.Modules
        where module.Delta is not BiasDelta && !isWanted(module.Delta)
        group module.Name.Value by (source.Adapter, module.Delta.Method) into layers
        select (layers.Key.Adapter, (IReadOnlyList<string>)[.. layers], layers.Key.Method);
}
