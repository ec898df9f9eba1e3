using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>Δ = scale · B · A, both factors in float64.</summary>
public sealed class LowRank : DeltaMatrix
{
    // Two threads may both lay it out: what they write is the same.
    private TiledProduct? _tiled;

    /// <summary>A product of two factors.</summary>
    /// <param name="b">[rows, rank] row-major</param>
    /// <param name="a">[rank, columns] row-major</param>
    /// <param name="rank">The inner dimension; 0 for a matrix of zeros.</param>
    /// <param name="size">The rows and columns of the product.</param>
    /// <param name="scale">The factor of the product: alpha / r and the like.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public LowRank(double[] b, double[] a, int rank, (int Rows, int Columns) size, double scale = 1)
        : base(size.Rows, size.Columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rank);
        if (b.LongLength != (long)Rows * rank || a.LongLength != (long)rank * Columns)
            throw new ArgumentException("The factors have not the sizes that the product says.", nameof(rank));

        (B, A, Rank, Scale) = (b, a, rank, scale);
    }

    /// <summary>A matrix of zeros.</summary>
    public static LowRank Zero(int rows, int columns) => new([], [], 0, (rows, columns));

    /// <summary>[rows, rank] row-major, without the scale.</summary>
    public double[] B { get; }

    /// <summary>[rank, columns] row-major.</summary>
    public double[] A { get; }

    /// <summary>The inner dimension; 0 for a matrix of zeros.</summary>
    public int Rank { get; }

    /// <summary>The factor of the product.</summary>
    public double Scale { get; }

    /// <summary>B with the scale and a further factor in it: [rows, rank] row-major.</summary>
    public double[] ScaledB(double factor = 1)
    {
        var scaled = GC.AllocateUninitializedArray<double>(B.Length);
        TensorPrimitives.Multiply(B, Scale * factor, scaled);
        return scaled;
    }

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        var rows = Columns == 0 ? 0 : values.Length / Columns;
        var pooled = ArrayPool<double>.Shared.Rent(rows * Rank);
        var coefficients = pooled.AsSpan(0, rows * Rank);
        TensorPrimitives.Multiply(B.AsSpan(first * Rank, coefficients.Length), Scale, coefficients);
        (_tiled ??= new TiledProduct(A, Rank, Columns)).Rows(values, coefficients);
        ArrayPool<double>.Shared.Return(pooled);
    }
}
