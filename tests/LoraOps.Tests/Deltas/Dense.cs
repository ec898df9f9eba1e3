namespace LoraOps.Tests.Deltas;

/// <summary>Small dense matrices in float64: textbook formulae, no regard for speed.</summary>
internal static class Dense
{
    public static double[,] Of(float[] values, int rows)
    {
        var columns = values.Length / rows;
        var matrix = new double[rows, columns];
        for (var index = 0; index < values.Length; index++)
            matrix[index / columns, index % columns] = values[index];

        return matrix;
    }

    public static double[,] Made(int rows, int columns, Func<int, int, double> value)
    {
        var matrix = new double[rows, columns];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                matrix[row, column] = value(row, column);
        }

        return matrix;
    }

    public static double[,] Identity(int size) => Made(size, size, (row, column) => row == column ? 1 : 0);

    public static double[,] Times(double[,] left, double[,] right) => Made(left.GetLength(0), right.GetLength(1), (row, column) =>
        Enumerable.Range(0, left.GetLength(1)).Sum(k => left[row, k] * right[k, column]));

    public static double[,] Plus(double[,] left, double[,] right, double factor) =>
        Made(left.GetLength(0), left.GetLength(1), (row, column) => left[row, column] + (factor * right[row, column]));

    public static double[,] Transposed(double[,] matrix) => Made(matrix.GetLength(1), matrix.GetLength(0), (row, column) => matrix[column, row]);

    public static double[,] Scaled(double[,] matrix, float[] rows) =>
        Made(matrix.GetLength(0), matrix.GetLength(1), (row, column) => matrix[row, column] * rows[row]);

    public static double[,] Skew(float[] upper, int size)
    {
        var next = 0;
        var half = Made(size, size, (row, column) => column > row ? upper[next++] : 0);
        return Plus(half, Transposed(half), -1);
    }

    /// <summary>(I − Q) · (I + Q)⁻¹ by Gauss and Jordan.</summary>
    public static double[,] Cayley(double[,] skew)
    {
        var size = skew.GetLength(0);
        var (matrix, inverse) = (Plus(Identity(size), skew, 1), Identity(size));
        for (var pivot = 0; pivot < size; pivot++)
        {
            for (var row = 0; row < size; row++)
            {
                var factor = row == pivot ? 1 - (1 / matrix[pivot, pivot]) : matrix[row, pivot] / matrix[pivot, pivot];
                for (var column = 0; column < size; column++)
                {
                    inverse[row, column] -= factor * inverse[pivot, column];
                    if (column != pivot)
                        matrix[row, column] -= factor * matrix[pivot, column];
                }

                matrix[row, pivot] -= factor * matrix[pivot, pivot];
            }
        }

        return Times(Plus(Identity(size), skew, -1), inverse);
    }

    public static double[,] Blocks(IReadOnlyList<double[,]> blocks)
    {
        var size = blocks[0].GetLength(0);
        return Made(size * blocks.Count, size * blocks.Count, (row, column) =>
            row / size == column / size ? blocks[row / size][row % size, column % size] : 0);
    }

    /// <summary>One factor of BOFT over 16 inputs in 4 blocks: P · blockdiag · Pᵀ, the permutation written out by hand.</summary>
    public static double[,] Butterfly(float[] values, int factor)
    {
        int[] halves = factor switch
        {
            0 => [0, 1, 2, 3, 4, 5, 6, 7],
            1 => [0, 2, 1, 3, 4, 6, 5, 7],
            _ => [0, 2, 4, 6, 1, 3, 5, 7],
        };
        var permutation = Made(16, 16, (row, column) => column == (halves[row / 2] * 2) + (row % 2) ? 1 : 0);
        var blocks = Enumerable.Range(0, 4).Select(block =>
        {
            var stored = Of(values[(((factor * 4) + block) * 16)..(((factor * 4) + block + 1) * 16)], 4);
            return Cayley(Made(4, 4, (row, column) => (stored[row, column] - stored[column, row]) / 2));
        });
        return Times(permutation, Times(Blocks([.. blocks]), Transposed(permutation)));
    }

    public static double[,] Reflected(double[,] weight, double[,] vectors, bool isOrthogonalised)
    {
        var length = vectors.GetLength(0);
        var units = new List<double[,]>();
        for (var index = 0; index < vectors.GetLength(1); index++)
        {
            var number = index;
            var unit = Made(length, 1, (row, _) => vectors[row, number]);
            foreach (var earlier in units.Where(_ => isOrthogonalised))
                unit = Plus(unit, earlier, -Times(Transposed(earlier), unit)[0, 0]);

            var norm = Math.Sqrt(Times(Transposed(unit), unit)[0, 0]);
            unit = Made(length, 1, (row, _) => unit[row, 0] / norm);
            units.Add(unit);
            weight = Plus(weight, Times(Times(weight, unit), Transposed(unit)), -2);
        }

        return weight;
    }
}
