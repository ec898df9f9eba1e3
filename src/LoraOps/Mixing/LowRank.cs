using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>Δ = scale · B · A, both factors in float64.</summary>
public sealed class LowRank : DeltaMatrix
{
    private readonly Action<Span<double>>? _readB;
    private readonly Action<Span<double>>? _readA;

    // Two threads may both read them and lay them out: what they write is the same.
    private double[]? _b;
    private double[]? _a;
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

        (_b, _a, Rank, Scale) = (b, a, rank, scale);
    }

    /// <summary>A product whose factors are read when they are asked for.</summary>
    /// <param name="readB">Fills [rows, rank].</param>
    /// <param name="readA">Fills [rank, columns].</param>
    /// <param name="rank">The inner dimension, from 1.</param>
    /// <param name="size">The rows and columns of the product.</param>
    /// <param name="scale">The factor of the product.</param>
    internal LowRank(Action<Span<double>> readB, Action<Span<double>> readA, int rank, (int Rows, int Columns) size, double scale)
        : base(size.Rows, size.Columns) => (_readB, _readA, Rank, Scale) = (readB, readA, rank, scale);

    /// <summary>A matrix of zeros.</summary>
    public static LowRank Zero(int rows, int columns) => new([], [], 0, (rows, columns));

    /// <summary>[rows, rank] row-major, without the scale.</summary>
    public double[] B => _b ??= Filled(_readB!, Rows);

    /// <summary>[rank, columns] row-major.</summary>
    public double[] A => _a ??= Filled(_readA!, Columns);

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

    /// <summary>Copies <see cref="B"/> without keeping it.</summary>
    internal void CopyB(Span<double> values) => Copy(_b, _readB, values);

    /// <summary>Copies <see cref="A"/> without keeping it.</summary>
    internal void CopyA(Span<double> values) => Copy(_a, _readA, values);

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        // The scale is last, as in s·(B·A): what is equal before is equal after. A power of two is as exact in B, and costs less there.
        var rows = Columns == 0 ? 0 : values.Length / Columns;
        var coefficients = B.AsSpan(first * Rank, rows * Rank);
        var tiled = _tiled ??= new TiledProduct(A, Rank, Columns);
        if (!double.IsPow2(Math.Abs(Scale)))
        {
            tiled.Rows(values, coefficients);
            TensorPrimitives.Multiply(values, Scale, values);
            return;
        }

        var pooled = ArrayPool<double>.Shared.Rent(coefficients.Length);
        var scaled = pooled.AsSpan(0, coefficients.Length);
        TensorPrimitives.Multiply(coefficients, Scale, scaled);
        tiled.Rows(values, scaled);
        ArrayPool<double>.Shared.Return(pooled);
    }

    private static void Copy(double[]? held, Action<Span<double>>? read, Span<double> values)
    {
        if (held is null)
            read!(values);
        else
            held.CopyTo(values);
    }

    private double[] Filled(Action<Span<double>> read, int length)
    {
        var values = GC.AllocateUninitializedArray<double>(checked(length * Rank));
        read(values);
        return values;
    }
}
