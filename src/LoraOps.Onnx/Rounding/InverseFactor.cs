using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Onnx.Rounding;

/// <summary>The upper triangular U with UᵀU = (2H + d·mean(diag 2H)·I)⁻¹: the Cholesky factor that GPTQ spreads errors with.</summary>
internal static class InverseFactor
{
    /// <summary>
    /// With J that turns the order round, J·H·J = L·Lᵀ gives H = R·Rᵀ for the upper triangular R = J·L·J, so that U is R⁻¹: one
    /// factorisation instead of an inverse and another factorisation. Inputs that are always zero get a one on the diagonal.
    /// </summary>
    public static double[] Of(double[] matrix, int size, double damping)
    {
        var trace = 0.0;
        for (var i = 0; i < size; i++)
            trace += 2 * matrix[(i * size) + i];

        var added = trace > 0 ? damping * trace / size : 1;
        var turned = new double[matrix.Length];
        for (var i = 0; i < size; i++)
        {
            var from = matrix.AsSpan(i * size, size);
            var to = turned.AsSpan((size - 1 - i) * size, size);
            for (var j = 0; j < size; j++)
                to[size - 1 - j] = (2 * from[j]) + (i == j ? added : 0);
        }

        Factor(turned, size);
        return TurnedInverse(turned, size);
    }

    // Row by row from the left, so that all sums are inner products of rows.
    private static void Factor(double[] matrix, int size)
    {
        for (var j = 0; j < size; j++)
        {
            var pivot = matrix[(j * size) + j] - DotProduct.Of(matrix.AsSpan(j * size, j), matrix.AsSpan(j * size, j));
            var root = Math.Sqrt(Math.Max(pivot, double.Epsilon));
            matrix[(j * size) + j] = root;
            var column = j;
            Rows.For(j + 1, size, column, i =>
            {
                var sum = DotProduct.Of(matrix.AsSpan(i * size, column), matrix.AsSpan(column * size, column));
                matrix[(i * size) + column] = (matrix[(i * size) + column] - sum) / root;
            });
        }
    }

    // X = L⁻¹ by forward substitution, its rows and columns written in reversed order.
    private static double[] TurnedInverse(double[] factor, int size)
    {
        var inverse = new double[factor.Length];
        for (var i = 0; i < size; i++)
        {
            var row = inverse.AsSpan(i * size, size);
            for (var k = 0; k < i; k++)
                TensorPrimitives.FusedMultiplyAdd(inverse.AsSpan(k * size, k + 1), -factor[(i * size) + k], row[..(k + 1)], row[..(k + 1)]);

            row[i] = 1;
            TensorPrimitives.Divide(row[..(i + 1)], factor[(i * size) + i], row[..(i + 1)]);
        }

        Array.Reverse(inverse);
        return inverse;
    }
}
