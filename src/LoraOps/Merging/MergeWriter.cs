using LoraOps.Readers.Safetensors;
using LoraOps.Writers;

namespace LoraOps.Merging;

/// <summary>Writes the output's files block by block with several workers; what is untouched the system copies.</summary>
internal sealed class MergeWriter(MemoryPlan memory, Targets targets, Action<long>? progress, CancellationToken stop)
{
    private readonly Lock _counting = new();
    private readonly List<ShardFile> _files = [];
    private long _written;

    /// <summary>Writes the files.</summary>
    /// <param name="outputs">Their paths and what they hold.</param>
    public void Write(IEnumerable<(string Path, OutputShard Shard)> outputs)
    {
        var queue = new BlockQueue(outputs.Select(output => new Lane(Jobs(output.Path, output.Shard))), memory.PreparedBytes);
        var workers = Enumerable.Range(0, memory.Workers).Select(_ => new Thread(() => Work(queue))).ToList();
        workers.ForEach(worker => worker.Start());
        workers.ForEach(worker => worker.Join());
        _files.ForEach(file => file.Dispose());
        queue.Failure?.Throw();
    }

    /// <summary>Writes the files and, if there are several or the base had one, the index.</summary>
    public void WriteFolder(string folder, IReadOnlyList<OutputShard> shards, Checkpoint weights)
    {
        Write(shards.Select(shard => (Path.Combine(folder, shard.FileName), shard)));
        var isLikeBase = weights.IndexPath is not null && shards.Count == weights.Shards.Count &&
            shards.All(shard => shard.Like is not null && Path.GetFileName(shard.Like.Path) == shard.FileName);
        if (isLikeBase)
            File.WriteAllBytes(Path.Combine(folder, Path.GetFileName(weights.IndexPath!)), weights.IndexJson.ToArray());
        else if (shards.Count > 1 || shards[0].FileName != OutputLayout.SingleName(shards[0].FileName))
            File.WriteAllBytes(Path.Combine(folder, ShardIndex.FileName(shards)), ShardIndex.Encode(shards));
    }

    private IEnumerable<Job> Jobs(string path, OutputShard shard)
    {
        if (shard.Like is { } like && shard.Tensors.All(tensor => tensor.Change is null))
        {
            yield return new Job(null, 0, () =>
            {
                OutputFile.Copy(like.Path, path);
                return shard.ByteLength;
            });
            yield break;
        }

        var file = new ShardFile(path, shard, BlocksOf);
        _files.Add(file);
        foreach (var tensor in file.Tensors)
        {
            for (var index = 0L; index < tensor.Blocks.Count; index++)
                yield return new Job(tensor, index, null);
        }
    }

    private TensorBlocks BlocksOf(OutputTensor tensor) =>
        tensor.Change is { } change ? memory.BlocksOf(change, targets) : new CopiedBlocks(tensor.Copied!);

    private void Work(BlockQueue queue)
    {
        var scratch = new Scratch();
        try
        {
            Lane? own = null;
            while (queue.Take(ref own) is { } job)
            {
                stop.ThrowIfCancellationRequested();
                Count(job.Copy is { } copy ? copy() : Make(job.Tensor!, job.Index, scratch, queue));
            }
        }
        catch (Exception error) when (queue.Fail(error))
        {
            // It is thrown again where the caller waits; on this thread it would end the process.
        }
    }

    private static long Make(ShardTensor tensor, long index, Scratch scratch, BlockQueue queue)
    {
        var (offset, length) = tensor.Blocks.Range(index);
        var bytes = scratch.Bytes(length);
        tensor.Blocks.Fill(offset, bytes, scratch);
        tensor.File.Write(tensor.Offset + offset, bytes);
        queue.Done(tensor);
        return length;
    }

    private void Count(long bytes)
    {
        lock (_counting)
        {
            _written += bytes;
            progress?.Invoke(_written);
        }
    }
}
