using MathNet.Numerics.LinearAlgebra;

namespace LoraOps.Mixing;

/// <summary>The singular values of a product of factors; the vectors are formed only for as many as are asked for.</summary>
internal sealed class ThinSpectrum
{
    private readonly (int Rows, int Columns) _size;
    private readonly Matrix<double> _left;
    private readonly Matrix<double> _right;
    private readonly MathNet.Numerics.LinearAlgebra.Factorization.Svd<double>? _core;

    /// <summary>Works the singular values out.</summary>
    public ThinSpectrum(LowRank delta)
    {
        _size = (delta.Rows, delta.Columns);
        var make = Matrix<double>.Build;
        (_left, _right) = (make.Dense(1, 1), make.Dense(1, 1));
        if (delta.Rank == 0 || delta.Scale == 0)
            return;

        var columns = Enumerable.Range(0, delta.Rank).Select(index => (
            Left: Vector<double>.Build.Dense(delta.Rows, row => delta.B[(row * delta.Rank) + index]),
            Right: Vector<double>.Build.Dense(delta.Columns, column => delta.A[(index * delta.Columns) + column])))
            .Where(pair => pair.Left.L2Norm() > 0 && pair.Right.L2Norm() > 0).ToList();
        if (columns.Count == 0)
            return;

        _left = Basis(columns.Select(pair => pair.Left / pair.Left.L2Norm()));
        _right = Basis(columns.Select(pair => pair.Right / pair.Right.L2Norm()));
        var scales = columns.Select(pair => delta.Scale * pair.Left.L2Norm() * pair.Right.L2Norm()).ToArray();
        var b = make.DenseOfColumnVectors(columns.Select((pair, at) => pair.Left / pair.Left.L2Norm() * scales[at]));
        var a = make.DenseOfColumnVectors(columns.Select(pair => pair.Right / pair.Right.L2Norm()));
        _core = (_left.TransposeThisAndMultiply(b) * _right.TransposeThisAndMultiply(a).Transpose()).Svd();
        var floor = 1e-14 * Math.Max(_core.S[0], scales.Max(Math.Abs));
        Sigma = [.. _core.S.Where(sigma => sigma > floor)];
    }

    /// <summary>The singular values above rounding, largest first.</summary>
    public double[] Sigma { get; } = [];

    /// <summary>The first of them with their vectors.</summary>
    public ThinSvd Take(int count)
    {
        if (count == 0)
            return new ThinSvd([], [], [], _size);

        var u = _left * _core!.U.SubMatrix(0, _core.U.RowCount, 0, count);
        var v = _core.VT.SubMatrix(0, count, 0, _core.VT.ColumnCount) * _right.Transpose();
        return new ThinSvd(u.ToRowMajorArray(), Sigma[..count], v.ToRowMajorArray(), _size);
    }

    private static Matrix<double> Basis(IEnumerable<Vector<double>> columns)
    {
        var basis = new List<Vector<double>>();
        foreach (var column in columns)
        {
            var rest = column;
            for (var pass = 0; pass < 3; pass++)
            {
                foreach (var direction in basis)
                    rest -= direction * direction.DotProduct(rest);
            }

            if (rest.L2Norm() > 1e-14)
                basis.Add(rest / rest.L2Norm());
        }

        return Matrix<double>.Build.DenseOfColumnVectors(basis);
    }
}
