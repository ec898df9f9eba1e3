using LoraOps.Tensors;

namespace LoraOps.Onnx.Layers;

/// <summary>How a stored weight is turned so that its output channels come first.</summary>
/// <param name="dims">The stored dimensions.</param>
/// <param name="axis">That of the output channels, not negative.</param>
internal sealed class RowLayout(IReadOnlyList<long> dims, int axis)
{
    private readonly long _outer = dims.Take(axis).Aggregate(1L, (product, dim) => product * dim);
    private readonly long _inner = dims.Skip(axis + 1).Aggregate(1L, (product, dim) => product * dim);

    /// <summary>The dimensions with that of the outputs in front.</summary>
    public TensorShape Rows { get; } = new([dims[axis], .. dims.Take(axis), .. dims.Skip(axis + 1)]);

    /// <summary>The elements in that order.</summary>
    public T[] ToRows<T>(T[] stored)
    {
        if (_outer == 1)
            return stored;

        var rows = new T[stored.Length];
        var length = dims[axis];
        for (long outer = 0; outer < _outer; outer++)
        {
            for (long row = 0; row < length; row++)
                Array.Copy(stored, ((outer * length) + row) * _inner, rows, ((row * _outer) + outer) * _inner, _inner);
        }

        return rows;
    }
}
