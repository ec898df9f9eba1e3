using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>A tensor whose stored bytes are the result.</summary>
internal sealed class CopiedBlocks(Tensor source) : TensorBlocks(source.ByteLength, GoodBytes)
{
    /// <inheritdoc/>
    public override void Fill(long offset, Span<byte> bytes, Scratch scratch) => source.ReadBytes(offset, bytes);

    /// <inheritdoc/>
    public override void FillChange(long offset, Span<float> values, Scratch scratch) => values.Clear();
}
