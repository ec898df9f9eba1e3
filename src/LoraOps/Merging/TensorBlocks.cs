namespace LoraOps.Merging;

/// <summary>An output tensor in the making: blocks of its bytes, each made on its own, in any order and on any thread.</summary>
/// <param name="byteLength">The bytes of the tensor.</param>
/// <param name="blockBytes">The bytes of each block but the last.</param>
internal abstract class TensorBlocks(long byteLength, long blockBytes)
{
    /// <summary>The bytes of a block that is worth a call to the system and stays in a second-level cache.</summary>
    public const int GoodBytes = 1 << 20;

    /// <summary>How many blocks there are.</summary>
    public long Count => (byteLength + blockBytes - 1) / blockBytes;

    /// <summary>The memory that <see cref="Prepare"/> takes until <see cref="Release"/>.</summary>
    public virtual long PreparedBytes => 0;

    /// <summary>Where a block is in the tensor.</summary>
    public (long Offset, int Length) Range(long index)
    {
        var offset = index * blockBytes;
        return (offset, checked((int)Math.Min(blockBytes, byteLength - offset)));
    }

    /// <summary>Is done once before the first block.</summary>
    public virtual void Prepare()
    {
    }

    /// <summary>Makes the bytes of one block.</summary>
    /// <param name="offset">Where the block begins, in bytes of the tensor.</param>
    /// <param name="bytes">Receives the block.</param>
    /// <param name="scratch">The worker's memory.</param>
    public abstract void Fill(long offset, Span<byte> bytes, Scratch scratch);

    /// <summary>Makes the exact change of one block alone, without the weight that it is added to and before any rounding.</summary>
    /// <param name="offset">Where the block begins, in bytes of the tensor.</param>
    /// <param name="values">Receives it in float32, laid out as stored.</param>
    /// <param name="scratch">The worker's memory.</param>
    public abstract void FillChange(long offset, Span<float> values, Scratch scratch);

    /// <summary>Is done once after the last block.</summary>
    public virtual void Release()
    {
    }
}
