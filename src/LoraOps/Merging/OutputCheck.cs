using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Writers;

namespace LoraOps.Merging;

/// <summary>Sees that the output is in nobody's way: no input is changed or removed.</summary>
internal static class OutputCheck
{
    /// <summary>What is wrong with the output's place.</summary>
    public static IEnumerable<Problem> Problems(
        SourceModel model, IReadOnlyList<WeightedAdapter> adapters, string output, bool overwrite) =>
        Problems([model.Weights.Files], adapters, output, overwrite);

    /// <summary>What is wrong with the place of an output that is made of checkpoints and adapters.</summary>
    public static IEnumerable<Problem> Problems(
        IReadOnlyList<Checkpoint> checkpoints, IReadOnlyList<WeightedAdapter> adapters, string output, bool overwrite)
    {
        var target = Real(output);
        var inputs = adapters.SelectMany(source => FilesOf(source.Adapter)).Concat(checkpoints.SelectMany(FilesOf));

        // An output folder is replaced as a whole, with everything inside it.
        var inside = target + Path.DirectorySeparatorChar;
        if (inputs.OfType<string>().Select(Real).Any(input => input == target || input.StartsWith(inside, StringComparison.Ordinal)))
            yield return OutputProblems.OutputIsInput(output);
        else if (StagedOutput.Obstacle(output, overwrite) is { } problem)
            yield return problem;
    }

    private static IEnumerable<string?> FilesOf(Checkpoint checkpoint) =>
        [checkpoint.Path, checkpoint.ConfigPath, checkpoint.IndexPath, .. checkpoint.Shards.Select(shard => shard.Path)];

    private static string[] FilesOf(Adapter adapter) => Directory.Exists(adapter.Folder)
        ? [adapter.Folder, .. Directory.EnumerateFiles(adapter.Folder, "adapter_*")]
        : [adapter.Folder];

    // A link may be anywhere on the way: the folder of an input may have several names.
    private static string Real(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Path.GetDirectoryName(full) is not { } parent)
            return full;

        var here = Path.Combine(Real(parent), Path.GetFileName(full));
        return Path.Exists(here) && File.ResolveLinkTarget(here, returnFinalTarget: true) is { } target ? Real(target.FullName) : here;
    }
}
