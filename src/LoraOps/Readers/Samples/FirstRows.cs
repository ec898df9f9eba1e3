using LoraOps.Tensors;

namespace LoraOps.Readers.Samples;

/// <summary>The first rows of an array.</summary>
internal sealed class FirstRows(Tensor whole, long rows) : Tensor(whole.Name, whole.Type, new TensorShape([rows, .. whole.Shape.Dims[1..]]))
{
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        whole.ReadBytes(offset, destination);
    }
}
