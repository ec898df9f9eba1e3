using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Adapters;

/// <summary>ΔW = scale · coefficients · basis: every method whose change is a product of two thin matrices ends here.</summary>
public sealed class ProductUpdate : RowUpdate
{
    private readonly Lazy<PackedBasis> _packed;

    /// <summary>A product of factors in float32.</summary>
    /// <param name="coefficients">[rows, rank] row-major</param>
    /// <param name="basis">[rank, columns] row-major</param>
    /// <param name="rank">The inner dimension, from 1.</param>
    /// <param name="scale">The factor of the product.</param>
    /// <exception cref="ArgumentException">The lengths are no multiples of the rank.</exception>
    public ProductUpdate(float[] coefficients, float[] basis, int rank, double scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        if (coefficients.Length % rank != 0 || basis.Length % rank != 0)
            throw new ArgumentException("The factors have no common inner dimension.", nameof(rank));

        (Coefficients, Basis, Rank, Scale) = (coefficients, basis, rank, scale);
        _packed = new Lazy<PackedBasis>(() => new PackedBasis(Basis, Rank));
    }

    /// <summary>[rows, rank] row-major.</summary>
    public float[] Coefficients { get; }

    /// <summary>[rank, columns] row-major.</summary>
    public float[] Basis { get; }

    /// <summary>The inner dimension.</summary>
    public int Rank { get; }

    /// <summary>The factor of the product.</summary>
    public double Scale { get; }

    /// <summary>The columns of the product.</summary>
    public int Columns => Basis.Length / Rank;

    /// <inheritdoc/>
    /// <remarks>The factor and the scale go into the coefficients, rounded once.</remarks>
    public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
    {
        if (rows.IsEmpty)
            return;

        var source = Coefficients.AsSpan(checked((int)(first * Rank)), rows.Length / Columns * Rank);
        LowRankUpdate.Add(rows, source, _packed.Value, (float)(Scale * factor));
    }

    /// <summary>
    /// <see cref="AddTo"/> with a sum in float64: for weights that are finer than the type that they are written as, where the
    /// sum's own rounding would now and then decide a tie. Fused at every step, so that all machines agree.
    /// </summary>
    /// <inheritdoc cref="AddTo"/>
    public void AddFinely(long first, Span<float> rows, float factor)
    {
        var basis = ArrayPool<double>.Shared.Rent(Basis.Length + Columns);
        try
        {
            TensorPrimitives.ConvertTruncating(Basis, basis.AsSpan(0, Basis.Length));
            var sum = basis.AsSpan(Basis.Length, Columns);
            for (var row = 0; row < rows.Length / Columns; row++)
            {
                var values = rows.Slice(row * Columns, Columns);
                TensorPrimitives.ConvertTruncating(values, sum);
                var coefficients = Coefficients.AsSpan(checked((int)((first + row) * Rank)), Rank);
                for (var index = 0; index < Rank; index++)
                    TensorPrimitives.FusedMultiplyAdd(basis.AsSpan(index * Columns, Columns), Scale * factor * coefficients[index], sum, sum);

                TensorPrimitives.ConvertTruncating<double, float>(sum, values);
            }
        }
        finally
        {
            ArrayPool<double>.Shared.Return(basis);
        }
    }
}
