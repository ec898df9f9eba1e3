using LoraOps.Mixing;
using MathNet.Numerics.LinearAlgebra;

namespace LoraOps.Tests.Mixing;

/// <summary>Matrices of every awkward kind, and what MathNet's dense algebra says about them.</summary>
internal static class MatrixSamples
{
    /// <summary>Random factors of a seed.</summary>
    public static LowRank Random(int seed, int rows, int columns, int rank, double scale = 1)
    {
        var random = new Random(seed);
        return new LowRank(Values(random, rows * rank), Values(random, rank * columns), rank, (rows, columns), scale);
    }

    /// <summary>Numbers with a normal distribution.</summary>
    public static double[] Values(Random random, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];

    /// <summary>The product, its values formed with MathNet.</summary>
    public static Matrix<double> Dense(DeltaMatrix delta) =>
        Matrix<double>.Build.Dense(delta.Columns, delta.Rows, delta.ToArray()).Transpose();

    /// <summary>‖a − b‖_F of two of one size.</summary>
    public static double Distance(DeltaMatrix a, DeltaMatrix b) => (Dense(a) - Dense(b)).FrobeniusNorm();

    /// <summary>The largest deviation of the Gram matrix of vectors from the identity.</summary>
    /// <param name="vectors">[count, length] row-major.</param>
    /// <param name="count">The number of vectors.</param>
    public static double Skew(double[] vectors, int count)
    {
        if (count == 0)
            return 0;

        var rows = Matrix<double>.Build.Dense(vectors.Length / count, count, vectors);
        return (rows.TransposeThisAndMultiply(rows) - Matrix<double>.Build.DenseIdentity(count)).Enumerate().Max(Math.Abs);
    }

    /// <summary>[columns, rows] of [rows, columns].</summary>
    public static double[] Transposed(double[] values, int rows, int columns) =>
        [.. Enumerable.Range(0, values.Length).Select(at => values[((at % rows) * columns) + (at / rows)])];

    /// <summary>A matrix whose elements are given.</summary>
    internal sealed class Elements(double[] values, int rows, int columns) : DeltaMatrix(rows, columns)
    {
        public override void Read(int first, Span<double> target) => values.AsSpan(first * Columns, target.Length).CopyTo(target);
    }
}
