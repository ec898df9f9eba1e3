namespace LoraOps.Tensors;

/// <summary>Tensors one after another along the first axis.</summary>
/// <param name="name">Its name.</param>
/// <param name="parts">At least one; all of one type and of one shape but for the first axis.</param>
/// <exception cref="ArgumentException">They are not.</exception>
public sealed class JoinedTensor(string name, IReadOnlyList<Tensor> parts) : Tensor(name, parts[0].Type, ShapeOf(parts))
{
    /// <summary>True if tensors can be joined: one type, and one shape but for the first axis.</summary>
    public static bool CanJoin(IReadOnlyList<Tensor> parts) => parts.All(part =>
        part.Type == parts[0].Type && part.Shape.Rank > 0 && part.Shape.Dims[1..].SequenceEqual(parts[0].Shape.Dims[1..]));

    /// <inheritdoc/>
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        foreach (var part in parts)
        {
            if (destination.IsEmpty)
                return;

            var count = (int)Math.Clamp(part.ByteLength - offset, 0, destination.Length);
            if (count > 0)
                part.ReadBytes(offset, destination[..count]);

            destination = destination[count..];
            offset = Math.Max(0, offset - part.ByteLength);
        }
    }

    private static TensorShape ShapeOf(IReadOnlyList<Tensor> parts) => CanJoin(parts)
        ? new TensorShape([parts.Sum(part => part.Shape[0]), .. parts[0].Shape.Dims[1..]])
        : throw new ArgumentException("The parts have different types or shapes.", nameof(parts));
}
