using LoraOps.Writers.Safetensors;

namespace LoraOps.Merging;

/// <summary>An output file that several workers write blocks of.</summary>
internal sealed class ShardFile : IDisposable
{
    private readonly SafetensorsOutput _file;
    private readonly Lock _gate = new();
    private long _blocksLeft;

    /// <summary>Begins a file; a base's header is kept byte for byte where nothing in it changed.</summary>
    /// <param name="path">Where.</param>
    /// <param name="shard">What it will hold.</param>
    /// <param name="blocks">Gives the blocks of a tensor.</param>
    public ShardFile(string path, OutputShard shard, Func<OutputTensor, TensorBlocks> blocks)
    {
        IReadOnlyList<OutputTensor> tensors = shard.Like is null ? [.. SafetensorsWriter.Order(shard.Tensors, Entry)] : shard.Tensors;
        var at = 0L;
        var parts = new List<ShardTensor>();
        foreach (var tensor in tensors)
        {
            parts.Add(new ShardTensor(this, at, blocks(tensor)));
            at += tensor.ByteLength;
        }

        Tensors = parts;
        _blocksLeft = parts.Sum(part => part.Blocks.Count);
        _file = shard.Like is null
            ? SafetensorsOutput.Create(path, [.. tensors.Select(Entry)], shard.Metadata)
            : SafetensorsOutput.CreateLike(path, shard.Like.HeaderBytes(), shard.ByteLength);
        if (_blocksLeft == 0)
            _file.Finish();
    }

    /// <summary>The tensors in the order of the file.</summary>
    public IReadOnlyList<ShardTensor> Tensors { get; }

    /// <summary>Writes a block; the last one completes the file.</summary>
    /// <param name="offset">From the beginning of the data.</param>
    /// <param name="bytes">The block.</param>
    public void Write(long offset, ReadOnlySpan<byte> bytes)
    {
        _file.WriteAt(offset, bytes);
        lock (_gate)
        {
            if (--_blocksLeft == 0)
                _file.Finish();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static SafetensorsEntry Entry(OutputTensor tensor) => new(tensor.Name, tensor.Type, tensor.Shape);
}

/// <summary>A tensor's place in a file.</summary>
/// <param name="File">The file.</param>
/// <param name="Offset">From the beginning of the file's data.</param>
/// <param name="Blocks">What it is made of.</param>
internal sealed record ShardTensor(ShardFile File, long Offset, TensorBlocks Blocks);
