using System.Numerics.Tensors;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Rotations from skew-symmetric matrices in float64, each less the identity: R − I is small where R is near the identity, and
/// adding W · (R − I) loses less than W · R − W.
/// </summary>
public static class CayleyTransform
{
    /// <summary>The skew-symmetric matrix of its strict upper triangle.</summary>
    /// <param name="upper">[size · (size − 1) / 2] row by row</param>
    /// <param name="size">Rows and columns.</param>
    /// <param name="factor">What every element is multiplied with.</param>
    /// <param name="matrix">Receives [size, size].</param>
    public static void Skew(ReadOnlySpan<float> upper, int size, double factor, Span<double> matrix)
    {
        var at = 0;
        for (var row = 0; row < size; row++)
        {
            matrix[(row * size) + row] = 0;
            for (var column = row + 1; column < size; column++, at++)
            {
                matrix[(row * size) + column] = factor * upper[at];
                matrix[(column * size) + row] = -factor * upper[at];
            }
        }
    }

    /// <summary>(I − Q)(I + Q)⁻¹ − I, which is −2 (I + Q)⁻¹ Q, by elimination with row exchanges.</summary>
    /// <param name="skew">[size, size]; overwritten</param>
    /// <param name="size">Rows and columns.</param>
    public static double[] Exact(double[] skew, int size)
    {
        var result = (double[])skew.Clone();
        TensorPrimitives.Multiply(result, -2, result);
        for (var index = 0; index < size; index++)
            skew[(index * size) + index] += 1;

        Solve(skew, result, size);
        return result;
    }

    /// <summary>
    /// The truncated series of PEFT from 0.18 on, without the identity: 2Q + 2Q² + … + 2Qᵐ⁻¹ + Qᵐ with m = terms − 1, but m = 3
    /// for 3 terms; 2Q for two terms and nothing for one.
    /// </summary>
    /// <param name="skew">[size, size]</param>
    /// <param name="size">Rows and columns.</param>
    /// <param name="terms">The number of terms, from 1.</param>
    /// <param name="memory">Two working arrays of the matrix's size; the result is one of them.</param>
    public static double[] Series(double[] skew, int size, int terms, (double[], double[]) memory)
    {
        var (result, next) = memory;
        if (terms <= 2)
        {
            TensorPrimitives.Multiply(skew, 2 * (terms - 1), result);
            return result;
        }

        // Horner's rule, from the last power: each step is 2Q + result · Q.
        skew.CopyTo(result, 0);
        for (var power = Math.Max(3, terms - 1) - 1; power > 0; power--)
        {
            TensorPrimitives.Multiply(skew, 2, next);
            AddProduct(next, result, skew, size);
            (result, next) = (next, result);
        }

        return result;
    }

    private static void AddProduct(double[] sum, double[] left, double[] right, int size)
    {
        for (var row = 0; row < size; row++)
        {
            var target = sum.AsSpan(row * size, size);
            for (var k = 0; k < size; k++)
                TensorPrimitives.MultiplyAdd(right.AsSpan(k * size, size), left[(row * size) + k], target, target);
        }
    }

    // matrix · X = right, X in the place of right. I + Q is never singular: the real part of its eigenvalues is 1.
    private static void Solve(double[] matrix, double[] right, int size)
    {
        for (var pivot = 0; pivot < size; pivot++)
        {
            Exchange(matrix, right, size, pivot);
            for (var row = pivot + 1; row < size; row++)
            {
                var factor = -matrix[(row * size) + pivot] / matrix[(pivot * size) + pivot];
                AddRow(matrix, size, (pivot, row), factor);
                AddRow(right, size, (pivot, row), factor);
            }
        }

        for (var row = size - 1; row >= 0; row--)
        {
            for (var later = row + 1; later < size; later++)
                AddRow(right, size, (later, row), -matrix[(row * size) + later]);

            var target = right.AsSpan(row * size, size);
            TensorPrimitives.Divide(target, matrix[(row * size) + row], target);
        }
    }

    private static void Exchange(double[] matrix, double[] right, int size, int pivot)
    {
        var best = pivot;
        for (var row = pivot + 1; row < size; row++)
            best = Math.Abs(matrix[(row * size) + pivot]) > Math.Abs(matrix[(best * size) + pivot]) ? row : best;

        if (best == pivot)
            return;

        foreach (var values in (double[][])[matrix, right])
        {
            var kept = values.AsSpan(pivot * size, size).ToArray();
            values.AsSpan(best * size, size).CopyTo(values.AsSpan(pivot * size, size));
            kept.CopyTo(values, best * size);
        }
    }

    private static void AddRow(double[] matrix, int size, (int From, int To) rows, double factor)
    {
        var target = matrix.AsSpan(rows.To * size, size);
        TensorPrimitives.MultiplyAdd(matrix.AsSpan(rows.From * size, size), factor, target, target);
    }
}
