using System.Buffers;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>
/// A weight that a file stores quantised, as the model knows it: <see cref="Tensor.ReadFloats"/> gives the dequantised float32
/// values before any rounding, <see cref="ReadBytes"/> the same rounded once to <see cref="Tensor.Type"/>. Values are computed
/// each time they are asked for; calls may run on several threads.
/// </summary>
/// <param name="name">The weight's name in the model.</param>
/// <param name="type">The type that the quantiser recorded for the dequantised weight: F32, F16 or BF16.</param>
/// <param name="shape">Its dimensions in the model.</param>
public abstract class DequantisedTensor(string name, ElementType type, TensorShape shape) : Tensor(name, type, shape)
{
    /// <summary>The elements that are computed at a time.</summary>
    protected const int ChunkElements = 1 << 18;

    /// <summary>What it is quantised with, for people: <c>bitsandbytes nf4</c>.</summary>
    public required string Format { get; init; }

    /// <inheritdoc/>
    public sealed override bool IsExact => false;

    /// <inheritdoc/>
    public sealed override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        var size = Type.Bits() / 8;
        var values = ArrayPool<float>.Shared.Rent(Math.Min(ChunkElements, (destination.Length / size) + 2));
        var bytes = ArrayPool<byte>.Shared.Rent(values.Length * size);
        try
        {
            while (destination.Length > 0)
            {
                var skipped = (int)(offset % size);
                var count = Math.Min(values.Length, (skipped + destination.Length + size - 1) / size);
                ReadFloats(offset / size, values.AsSpan(0, count));
                ElementCodec.Encode(Type, values.AsSpan(0, count), bytes.AsSpan(0, count * size));
                var length = Math.Min(destination.Length, (count * size) - skipped);
                bytes.AsSpan(skipped, length).CopyTo(destination);
                destination = destination[length..];
                offset += length;
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(values);
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    /// <inheritdoc/>
    public sealed override void ReadFloats(long first, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(first);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, Shape.ElementCount - destination.Length);
        while (destination.Length > 0)
        {
            var count = Math.Min(destination.Length, ChunkElements);
            Dequantise(first, destination[..count]);
            destination = destination[count..];
            first += count;
        }
    }

    /// <summary>Computes values.</summary>
    /// <param name="first">The first element in row-major order.</param>
    /// <param name="values">Receives from 1 to <see cref="ChunkElements"/> values.</param>
    protected abstract void Dequantise(long first, Span<float> values);
}
