namespace LoraOps.Tensors;

/// <summary>A tensor made larger: its values come first on every axis, zeros follow.</summary>
/// <param name="inner">The tensor.</param>
/// <param name="shape">As many dimensions, none smaller.</param>
/// <exception cref="ArgumentException">One is smaller, or there are more or fewer.</exception>
public sealed class PaddedTensor(Tensor inner, TensorShape shape) : Tensor(inner.Name, inner.Type, Checked(inner.Shape, shape))
{
    private readonly long _row = shape.Rank == 0 ? 1 : shape[-1];
    private readonly long _innerRow = shape.Rank == 0 ? 1 : inner.Shape[-1];
    private readonly int _size = inner.Type.Bits() / 8;

    /// <inheritdoc/>
    public override void ReadBytes(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        destination.Clear();
        var rowBytes = _row * _size;
        while (destination.Length > 0)
        {
            var inRow = offset % rowBytes;
            var count = (int)Math.Min(destination.Length, rowBytes - inRow);
            var there = (int)Math.Clamp((_innerRow * _size) - inRow, 0, count);
            if (there > 0 && InnerRow(offset / rowBytes) is { } row)
                inner.ReadBytes((row * _innerRow * _size) + inRow, destination[..there]);

            destination = destination[count..];
            offset += count;
        }
    }

    // The row of the innermost axis that lies at the same place in the smaller tensor, or null.
    private long? InnerRow(long row)
    {
        var (found, stride) = (0L, 1L);
        for (var axis = Shape.Rank - 2; axis >= 0; axis--)
        {
            var at = row % Shape[axis];
            if (at >= inner.Shape[axis])
                return null;

            found += at * stride;
            stride *= inner.Shape[axis];
            row /= Shape[axis];
        }

        return found;
    }

    private static TensorShape Checked(TensorShape inner, TensorShape shape)
    {
        for (var axis = 0; axis < shape.Rank; axis++)
        {
            if (inner.Rank != shape.Rank || inner[axis] > shape[axis])
                throw new ArgumentException($"{inner} does not fit into {shape}.", nameof(shape));
        }

        return shape;
    }
}
