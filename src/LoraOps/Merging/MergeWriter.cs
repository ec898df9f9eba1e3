using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Writers.Safetensors;

namespace LoraOps.Merging;

/// <summary>Streams the output's tensors, one in memory at a time.</summary>
internal sealed class MergeWriter(string basePath, MergeArithmetic arithmetic, Action<long>? progress, CancellationToken stop)
{
    private long _written;

    /// <summary>Writes one file; a base's header is kept byte for byte where nothing in it changed.</summary>
    public void Write(string path, OutputShard shard)
    {
        var tensors = shard.Tensors.Select(Source).ToList();
        if (shard.Like is null)
        {
            SafetensorsWriter.Write(path, tensors, shard.Metadata);
            return;
        }

        using var file = SafetensorsOutput.CreateLike(path, shard.Like.HeaderBytes(), shard.ByteLength);
        foreach (var tensor in tensors)
            file.Write(tensor);

        file.Finish();
    }

    /// <summary>Writes the files and, if there are several or the base had one, the index.</summary>
    public void WriteFolder(string folder, IReadOnlyList<OutputShard> shards, Checkpoint weights)
    {
        foreach (var shard in shards)
            Write(Path.Combine(folder, shard.FileName), shard);

        var isLikeBase = weights.IndexPath is not null && shards.Count == weights.Shards.Count &&
            shards.All(shard => shard.Like is not null && Path.GetFileName(shard.Like.Path) == shard.FileName);
        if (isLikeBase)
            File.WriteAllBytes(Path.Combine(folder, Path.GetFileName(weights.IndexPath!)), weights.IndexJson.ToArray());
        else if (shards.Count > 1 || shards[0].FileName != OutputLayout.SingleName(shards[0].FileName))
            File.WriteAllBytes(Path.Combine(folder, ShardIndex.FileName(shards)), ShardIndex.Encode(shards));
    }

    private WatchedTensor Source(OutputTensor tensor)
    {
        var source = tensor switch
        {
            { Copied: { } copied } => copied,
            { Change: { IsCopy: true } change } => change.Start,
            _ => new MergedTensor(tensor.Change!, arithmetic, basePath),
        };
        return new WatchedTensor(tensor.Name, source, Count, stop);
    }

    private void Count(long bytes)
    {
        _written += bytes;
        progress?.Invoke(_written);
    }
}
