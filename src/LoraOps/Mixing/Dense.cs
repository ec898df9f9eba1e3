using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>Small matrices of float64, row-major.</summary>
internal static class Dense
{
    /// <summary>[columns, rows] of [rows, columns].</summary>
    public static double[] Transposed(double[] matrix, int rows, int columns)
    {
        var turned = new double[matrix.Length];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                turned[(column * rows) + row] = matrix[(row * columns) + column];
        }

        return turned;
    }

    /// <summary>[rows, columns]: a product of [rows, inner] and [inner, columns].</summary>
    public static double[] Product(double[] left, double[] right, int inner, int rows, int columns) =>
        new LowRank(left, right, inner, (rows, columns)).ToArray();

    /// <summary>[left columns, right columns]: leftᵀ · right; the right one is gone.</summary>
    public static double[] Cross(ColumnPanels left, ColumnPanels right)
    {
        var (product, sums, step) = (new double[left.Columns * right.Columns], left.Cross(right), ColumnPanels.Width(right.Columns));
        for (var row = 0; row < left.Columns; row++)
            sums.AsSpan(row * step, right.Columns).CopyTo(product.AsSpan(row * right.Columns));

        right.Release();
        return product;
    }

    /// <summary>Ones on the diagonal.</summary>
    public static double[] Identity(int side)
    {
        var one = new double[checked(side * side)];
        for (var at = 0; at < side; at++)
            one[(at * side) + at] = 1;

        return one;
    }

    /// <summary>Matrices of the same number of rows one beside the other.</summary>
    public static double[] Beside(IReadOnlyList<double[]> parts, int rows)
    {
        var columns = parts.Sum(part => part.Length) / rows;
        var beside = new double[checked(rows * columns)];
        var at = 0;
        foreach (var part in parts)
        {
            var width = part.Length / rows;
            for (var row = 0; row < rows; row++)
                part.AsSpan(row * width, width).CopyTo(beside.AsSpan((row * columns) + at));

            at += width;
        }

        return beside;
    }

    /// <summary>The first columns of a matrix.</summary>
    public static double[] Head(double[] matrix, int columns, int count)
    {
        if (count == columns)
            return matrix;

        var rows = matrix.Length / columns;
        var head = new double[rows * count];
        for (var row = 0; row < rows; row++)
            matrix.AsSpan(row * columns, count).CopyTo(head.AsSpan(row * count));

        return head;
    }
}
