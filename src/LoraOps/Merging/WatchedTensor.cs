using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>A tensor under its output's name that tells how many of its bytes were read, and stops reading when it is asked to.</summary>
internal sealed class WatchedTensor(string name, Tensor tensor, Action<long> read, CancellationToken stop)
    : Tensor(name, tensor.Type, tensor.Shape)
{
    /// <inheritdoc/>
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        stop.ThrowIfCancellationRequested();
        tensor.ReadBytes(offset, destination);
        read(destination.Length);
    }
}
