namespace LoraOps.Tensors;

/// <summary>A tensor whose bytes are in memory.</summary>
/// <param name="name">Its name.</param>
/// <param name="type">The type of its elements.</param>
/// <param name="shape">Its dimensions.</param>
/// <param name="bytes">Little-endian elements, row-major.</param>
public sealed class BufferTensor(string name, ElementType type, TensorShape shape, ReadOnlyMemory<byte> bytes)
    : Tensor(name, type, shape)
{
    private readonly ReadOnlyMemory<byte> _bytes = LongEnough(name, type, shape, bytes);

    /// <summary>A tensor of these values, rounded once to <paramref name="type"/> (nearest, ties to even).</summary>
    public static BufferTensor FromFloats(string name, ElementType type, TensorShape shape, ReadOnlySpan<float> values)
    {
        var bytes = new byte[checked(values.Length * (type.Bits() / 8))];
        ElementCodec.Encode(type, values, bytes);
        return new BufferTensor(name, type, shape, bytes);
    }

    /// <inheritdoc/>
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        _bytes.Span.Slice(checked((int)offset), destination.Length).CopyTo(destination);
    }

    private static ReadOnlyMemory<byte> LongEnough(string name, ElementType type, TensorShape shape, ReadOnlyMemory<byte> bytes) =>
        (UInt128)bytes.Length * 8 == (UInt128)shape.ElementCount * (uint)type.Bits()
            ? bytes
            : throw new ArgumentException($"Tensor '{name}' {shape} of {type.Name()} has {bytes.Length} bytes.", nameof(bytes));
}
