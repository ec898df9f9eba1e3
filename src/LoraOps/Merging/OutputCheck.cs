using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Writers;

namespace LoraOps.Merging;

/// <summary>Sees that the output is in nobody's way: no input is changed or removed.</summary>
internal static class OutputCheck
{
    /// <summary>What is wrong with the output's place.</summary>
    public static IEnumerable<Problem> Problems(
        SourceModel model, IReadOnlyList<WeightedAdapter> adapters, string output, bool overwrite)
    {
        var target = Real(output);
        var inputs = adapters.Select(source => source.Adapter.Folder)
            .Append(model.Weights.Path)
            .Concat(model.Weights.Files.Shards.Select(shard => shard.Path));

        // An output folder is replaced as a whole, with everything inside it.
        if (inputs.Select(Real).Any(input => input == target || input.StartsWith(target + Path.DirectorySeparatorChar, StringComparison.Ordinal)))
            yield return OutputProblems.OutputIsInput(output);
        else if (StagedOutput.Obstacle(output, overwrite) is { } problem)
            yield return problem;
    }

    private static string Real(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (!Path.Exists(full))
            return full;

        return File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
    }
}
