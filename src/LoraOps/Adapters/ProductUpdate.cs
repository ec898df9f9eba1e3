using LoraOps.Tensors.Kernels;

namespace LoraOps.Adapters;

/// <summary>ΔW = scale · coefficients · basis: every method whose change is a product of two thin matrices ends here.</summary>
public sealed class ProductUpdate : RowUpdate
{
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
    }

    /// <summary>[rows, rank] row-major.</summary>
    public float[] Coefficients { get; }

    /// <summary>[rank, columns] row-major.</summary>
    public float[] Basis { get; }

    /// <summary>The inner dimension.</summary>
    public int Rank { get; }

    /// <summary>The factor of the product.</summary>
    public double Scale { get; }

    /// <inheritdoc/>
    public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
    {
        var count = rows.Length / (Basis.Length / Rank);
        var coefficients = Coefficients.AsSpan(checked((int)(first * Rank)), count * Rank);
        LowRankUpdate.Add(rows, coefficients, Basis, Rank, (float)(Scale * factor));
    }
}
