using System.Buffers;
using System.Runtime.InteropServices;

namespace LoraOps.Tensors;

/// <summary>A named, typed, row-major, little-endian block of elements that is read when it is asked for.</summary>
public abstract class Tensor(string name, ElementType type, TensorShape shape)
{
    private const int BlockBytes = 1 << 16;

    /// <summary>The name in the file that it came from.</summary>
    public string Name { get; } = name;

    /// <summary>The type of the elements as stored.</summary>
    public ElementType Type { get; } = type;

    /// <summary>The dimensions as stored.</summary>
    public TensorShape Shape { get; } = shape;

    /// <summary>The number of bytes as stored.</summary>
    public long ByteLength => checked((long)((UInt128)Shape.ElementCount * (uint)Type.Bits() / 8));

    /// <summary>True if the stored bytes are the value; false if <see cref="ReadFloats"/> gives finer ones (a dequantised weight).</summary>
    public virtual bool IsExact => true;

    /// <summary>Copies stored bytes.</summary>
    /// <param name="offset">The first byte, relative to the tensor.</param>
    /// <param name="destination">Receives exactly its length.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the tensor.</exception>
    public abstract void ReadBytes(long offset, Span<byte> destination);

    /// <summary>Reads elements as float32 (exact for every stored type of at most 24 significant bits).</summary>
    /// <param name="first">The first element in row-major order.</param>
    /// <param name="destination">Receives as many elements as it holds.</param>
    /// <exception cref="NotSupportedException">The type is not numeric (<see cref="ElementTypes.IsNumeric"/>).</exception>
    public virtual void ReadFloats(long first, Span<float> destination)
    {
        var size = ElementSize();
        if (Type == ElementType.F32)
        {
            ReadBytes(first * size, MemoryMarshal.AsBytes(destination));
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(BlockBytes);
        try
        {
            while (destination.Length > 0)
            {
                var count = Math.Min(destination.Length, BlockBytes / size);
                var bytes = buffer.AsSpan(0, count * size);
                ReadBytes(first * size, bytes);
                ElementCodec.Decode(Type, bytes, destination[..count]);
                destination = destination[count..];
                first += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>All elements as float32.</summary>
    public float[] ToFloats()
    {
        var values = new float[checked((int)Shape.ElementCount)];
        ReadFloats(0, values);
        return values;
    }

    /// <summary>All stored bytes.</summary>
    public byte[] ToBytes()
    {
        var bytes = new byte[checked((int)ByteLength)];
        ReadBytes(0, bytes);
        return bytes;
    }

    /// <summary>Refuses a range of bytes that leaves the tensor.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It does.</exception>
    protected void CheckRange(long offset, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, ByteLength - count);
    }

    private int ElementSize() => Type.IsNumeric()
        ? Type.Bits() / 8
        : throw new NotSupportedException($"{Type.Name()} elements have no plain numeric value.");
}
