using System.Numerics.Tensors;

namespace LoraOps.Tensors.Kernels;

/// <summary>The triangle of a Householder QR with column pivoting (Golub and Van Loan, Matrix Computations, §5.4.2).</summary>
internal static class PivotedQr
{
    /// <summary>Overwrites a matrix with the triangle of its pivoted columns.</summary>
    /// <param name="values">[rows, columns] row-major; the first min(rows, columns) rows receive the triangle.</param>
    /// <param name="columns">The columns.</param>
    /// <returns>Which column of the matrix stands at each place of the triangle.</returns>
    public static int[] Reduce(Span<double> values, int columns)
    {
        var (rows, order) = (values.Length / columns, Enumerable.Range(0, columns).ToArray());
        var (norms, row, v) = (new double[columns], new double[columns], new double[rows]);
        for (var k = 0; k < Math.Min(rows, columns); k++)
        {
            Array.Clear(norms, k, columns - k);
            for (var i = k; i < rows; i++)
            {
                var rest = values.Slice((i * columns) + k, columns - k);
                TensorPrimitives.FusedMultiplyAdd(rest, rest, norms.AsSpan(k), norms.AsSpan(k));
            }

            var pivot = k;
            for (var column = k + 1; column < columns; column++)
                pivot = norms[column] > norms[pivot] ? column : pivot;

            if (norms[pivot] == 0)
            {
                values[(k * columns)..].Clear();
                break;
            }

            Swap(values, columns, (k, pivot));
            (order[k], order[pivot]) = (order[pivot], order[k]);
            Reflect(values, columns, k, (Math.Sqrt(norms[pivot]), row, v));
        }

        return order;
    }

    private static void Swap(Span<double> values, int columns, (int Left, int Right) pair)
    {
        for (var at = 0; at < values.Length && pair.Left != pair.Right; at += columns)
            (values[at + pair.Left], values[at + pair.Right]) = (values[at + pair.Right], values[at + pair.Left]);
    }

    private static void Reflect(Span<double> values, int columns, int k, (double Norm, double[] Row, double[] V) scratch)
    {
        var (rows, v, rest) = (values.Length / columns, scratch.V, columns - k);
        for (var i = k; i < rows; i++)
            v[i] = values[(i * columns) + k];

        var alpha = v[k] > 0 ? -scratch.Norm : scratch.Norm;
        var beta = 1 / (alpha * (alpha - v[k]));
        v[k] -= alpha;
        var sum = scratch.Row.AsSpan(0, rest);
        sum.Clear();
        for (var i = k; i < rows; i++)
            TensorPrimitives.FusedMultiplyAdd(values.Slice((i * columns) + k, rest), v[i] * beta, sum, sum);

        for (var i = k; i < rows; i++)
        {
            var target = values.Slice((i * columns) + k, rest);
            TensorPrimitives.FusedMultiplyAdd(sum, -v[i], target, target);
            target[0] = i == k ? alpha : 0;
        }
    }
}
