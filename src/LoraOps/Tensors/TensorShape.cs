using System.Collections.Immutable;
using System.Globalization;

namespace LoraOps.Tensors;

/// <summary>The dimensions of a tensor, row-major, outermost first; empty for a scalar.</summary>
public sealed class TensorShape : IEquatable<TensorShape>
{
    private readonly ImmutableArray<long> _dims;

    /// <summary>A shape of these dimensions.</summary>
    /// <exception cref="ArgumentException">A dimension is negative, or their product does not fit 63 bits.</exception>
    public TensorShape(params ReadOnlySpan<long> dims)
    {
        if (!TryCount(dims, out var count))
            throw new ArgumentException("The dimensions are negative or too large.", nameof(dims));

        _dims = [.. dims];
        ElementCount = count;
    }

    /// <summary>The number of dimensions.</summary>
    public int Rank => _dims.Length;

    /// <summary>The product of the dimensions; 1 for a scalar.</summary>
    public long ElementCount { get; }

    /// <summary>The dimensions.</summary>
    public ReadOnlySpan<long> Dims => _dims.AsSpan();

    /// <summary>One dimension; a negative index counts from the innermost.</summary>
    public long this[int index] => _dims[index < 0 ? _dims.Length + index : index];

    /// <summary>The product of the dimensions after the first: the length of one row. 1 for a scalar or a vector.</summary>
    public long RowLength => Rank == 0 || _dims[0] == 0 ? 1 : ElementCount / _dims[0];

    /// <summary>Multiplies dimensions with overflow checked; false if one is negative or the product does not fit.</summary>
    public static bool TryCount(ReadOnlySpan<long> dims, out long count)
    {
        count = 1;
        var hasZero = dims.Contains(0);
        foreach (var dim in dims)
        {
            if (dim < 0 || (!hasZero && count > long.MaxValue / dim))
                return false;

            count = hasZero ? 0 : count * dim;
        }

        return true;
    }

    /// <inheritdoc/>
    public bool Equals(TensorShape? other) => other is not null && _dims.AsSpan().SequenceEqual(other._dims.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TensorShape);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (var dim in _dims)
            hash.Add(dim);

        return hash.ToHashCode();
    }

    /// <summary>As people write it: <c>[64, 8]</c>.</summary>
    public override string ToString() =>
        $"[{string.Join(", ", _dims.Select(dim => dim.ToString(CultureInfo.InvariantCulture)))}]";
}
