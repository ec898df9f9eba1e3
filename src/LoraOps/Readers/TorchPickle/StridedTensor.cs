using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.TorchPickle;

/// <summary>A view whose elements are not in row-major order in the file: gathered when it is read, and kept while memory lasts.</summary>
/// <param name="name">Its name.</param>
/// <param name="type">The type of its elements.</param>
/// <param name="shape">Its dimensions; not more elements than the storage has.</param>
/// <param name="strides">The step of each dimension, in elements.</param>
/// <param name="source">The bytes of the file from its first element to its last one.</param>
internal sealed class StridedTensor(string name, ElementType type, TensorShape shape, long[] strides, Tensor source)
    : Tensor(name, type, shape)
{
    private readonly WeakReference<byte[]?> _gathered = new(null);

    /// <inheritdoc/>
    /// <exception cref="LoraOpsException">The file was removed or shortened since it was checked.</exception>
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        if (!_gathered.TryGetTarget(out var bytes))
        {
            bytes = Gather();
            _gathered.SetTarget(bytes);
        }

        bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);
    }

    private byte[] Gather()
    {
        var (stored, size) = (source.ToBytes(), Type.Bits() / 8);
        var result = new byte[ByteLength];
        var (places, inner) = (new long[Shape.Rank], Shape[-1]);
        for (long at = 0, first = 0; at < result.Length; first = Next(places, first))
        {
            for (long index = 0; index < inner; index++, at += size)
                stored.AsSpan((int)((first + (index * strides[^1])) * size), size).CopyTo(result.AsSpan((int)at));
        }

        return result;
    }

    // The next row's first element in the storage.
    private long Next(long[] places, long first)
    {
        for (var dimension = Shape.Rank - 2; dimension >= 0; dimension--)
        {
            first += strides[dimension];
            if (++places[dimension] < Shape[dimension])
                return first;

            first -= strides[dimension] * places[dimension];
            places[dimension] = 0;
        }

        return first;
    }
}
