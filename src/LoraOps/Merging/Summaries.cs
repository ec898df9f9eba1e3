using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>Makes the summary of a plan.</summary>
internal static class Summaries
{
    /// <summary>Everything but what the options decide.</summary>
    public static MergeSummary Of(
        string basePath,
        string output,
        IReadOnlyList<WeightedAdapter> adapters,
        IReadOnlyCollection<TensorChange> changes,
        IReadOnlyList<OutputShard> shards) => new()
        {
            Base = basePath,
            Output = output,
            Arithmetic = "exact",
            Adapters = [.. adapters.Select(source => new MergedAdapter(source.Adapter.Name, source.Adapter.Digest, source.Weight))],
            Changed = [.. changes.Select(Of)],
            Unchanged = shards.Sum(shard => shard.Tensors.Count(tensor => tensor.Change is null)),
            Copied = [.. shards.SelectMany(shard => shard.Tensors).Where(tensor => tensor.Change is null).Select(tensor => tensor.Name)],
            Files = [.. shards.Select(shard => new MergedFile(shard.FileName, shard.Tensors.Count, shard.ByteLength))],
            TotalBytes = shards.Sum(shard => shard.ByteLength),
            PeakBytes = 0,
            LeastBytes = 0,
            Unties = false,
            Warnings = [],
        };

    private static MergedWeight Of(TensorChange change) => new(
        change.Name,
        (change.ReplacedBy, change.Additions.Count) switch
        {
            (null, 0) => "copy",
            (null, _) => "merge",
            (_, 0) => "replace",
            _ => "replace and merge",
        },
        change.Type.Name(),
        change.Shape.Dims.ToArray(),
        [.. change.Additions.Select(addition =>
            $"{addition.Source.Adapter.Name}: {addition.Module.Name} ({addition.Module.Delta.Method}, {addition.Module.Delta.Rank})")],
        change.IsTransposed,
        change.IsNew);
}
