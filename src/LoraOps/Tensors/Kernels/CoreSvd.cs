using System.Numerics.Tensors;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// The SVD of a small dense matrix: QR with pivoting, then one-sided Jacobi on the rows of the triangle, which converges in few
/// sweeps and finds small singular values as well (Drmač and Veselić 2008). Vectors are formed for as many as are asked for.
/// </summary>
internal sealed class CoreSvd
{
    // A row of the triangle from here on is rounding of the first.
    private const double Nothing = 1e-17;

    private readonly double[] _core;
    private readonly double[] _rows;
    private readonly int[] _places;
    private readonly int[] _order;
    private readonly (int Rows, int Columns) _size;

    /// <summary>Works the singular values out.</summary>
    /// <param name="core">[rows, columns], a small matrix.</param>
    /// <param name="size">Its size.</param>
    public CoreSvd(double[] core, (int Rows, int Columns) size)
    {
        (_core, _size) = (core, size);
        var (step, most) = (ColumnPanels.Width(size.Columns), TensorPrimitives.MaxMagnitude<double>(core));
        (_rows, _places, _order) = ([], [], []);
        if (most == 0)
            return;

        // A power of two, so that squares neither overflow nor vanish.
        var exponent = Math.ILogB(most);
        var triangle = new double[size.Rows * size.Columns];
        for (var row = 0; row < size.Rows; row++)
        {
            for (var column = 0; column < size.Columns; column++)
                triangle[(row * size.Columns) + column] = Math.ScaleB(core[(row * step) + column], -exponent);
        }

        _places = PivotedQr.Reduce(triangle, size.Columns);
        var count = 0;
        while (count < Math.Min(size.Rows, size.Columns) && Math.Abs(triangle[count * (size.Columns + 1)]) > Nothing * Math.Abs(triangle[0]))
            count++;

        _rows = new double[count * step];
        for (var row = 0; row < count; row++)
            triangle.AsSpan(row * size.Columns, size.Columns).CopyTo(_rows.AsSpan(row * step));

        var squares = JacobiRows.Orthogonalise(_rows, step);
        _order = [.. Enumerable.Range(0, count).OrderByDescending(row => squares[row])];
        Sigma = [.. _order.Select(row => Math.ScaleB(Math.Sqrt(squares[row]), exponent))];
    }

    /// <summary>The singular values, largest first; those of a singular matrix are as many as its rank.</summary>
    public double[] Sigma { get; } = [];

    /// <summary>The first right singular vectors, [count, columns], a small matrix.</summary>
    public double[] Right(int count)
    {
        var step = ColumnPanels.Width(_size.Columns);
        var right = new double[count * step];
        for (var at = 0; at < count; at++)
        {
            var row = _rows.AsSpan(_order[at] * step, step);
            var target = right.AsSpan(at * step, step);
            var length = Math.Sqrt(JacobiRows.Dot(row, row));
            for (var column = 0; column < _size.Columns; column++)
                target[_places[column]] = row[column] / length;
        }

        return right;
    }

    /// <summary>The left singular vectors of right ones, as rows: [count, rows], a small matrix.</summary>
    /// <param name="right">What <see cref="Right"/> gave.</param>
    /// <param name="count">The number of vectors.</param>
    public double[] Left(ReadOnlySpan<double> right, int count)
    {
        var (step, width) = (ColumnPanels.Width(_size.Columns), ColumnPanels.Width(_size.Rows));
        var left = new double[count * width];
        for (var at = 0; at < count; at++)
        {
            var target = left.AsSpan(at * width, width);
            for (var row = 0; row < _size.Rows; row++)
                target[row] = JacobiRows.Dot(_core.AsSpan(row * step, step), right.Slice(at * step, step)) / Sigma[at];

            // Core · v / σ has rounding of the largest in the smallest: it is taken out, twice.
            for (var pass = 0; pass < 2; pass++)
            {
                for (var before = 0; before < at; before++)
                {
                    var other = left.AsSpan(before * width, width);
                    TensorPrimitives.FusedMultiplyAdd(other, -JacobiRows.Dot(other, target), target, target);
                }

                TensorPrimitives.Divide(target, Math.Sqrt(JacobiRows.Dot(target, target)), target);
            }
        }

        return left;
    }
}
