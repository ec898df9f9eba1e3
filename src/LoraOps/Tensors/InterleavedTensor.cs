namespace LoraOps.Tensors;

/// <summary>The rows of several tensors in an order of their own.</summary>
/// <param name="name">Its name.</param>
/// <param name="parts">At least one; all of one type and of one shape but for the first axis.</param>
/// <param name="rows">For each row the part that it is of, and its number there.</param>
/// <exception cref="ArgumentException">The parts differ.</exception>
public sealed class InterleavedTensor(string name, IReadOnlyList<Tensor> parts, IReadOnlyList<(int Part, int Row)> rows)
    : Tensor(name, parts[0].Type, ShapeOf(parts, rows.Count))
{
    private readonly long _rowBytes = parts[0].Shape.RowLength * parts[0].Type.Bits() / 8;

    /// <inheritdoc/>
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        while (destination.Length > 0)
        {
            var (part, row) = rows[(int)(offset / _rowBytes)];
            var inRow = offset % _rowBytes;
            var count = (int)Math.Min(destination.Length, _rowBytes - inRow);
            parts[part].ReadBytes((row * _rowBytes) + inRow, destination[..count]);
            destination = destination[count..];
            offset += count;
        }
    }

    private static TensorShape ShapeOf(IReadOnlyList<Tensor> parts, int rows) => JoinedTensor.CanJoin(parts)
        ? new TensorShape([rows, .. parts[0].Shape.Dims[1..]])
        : throw new ArgumentException("The parts have different types or shapes.", nameof(parts));
}
