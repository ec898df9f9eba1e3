using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>
/// The leading singular directions of a large dense matrix: random directions, multiplied by the matrix and its transpose again and
/// again, each time made orthogonal to all that there are, and the SVD of the matrix between them (Halko, Martinsson and Tropp
/// 2011, arXiv:0909.4061; all powers kept: Musco and Musco 2015, arXiv:1504.05477). The same signs are drawn each time.
/// </summary>
internal sealed class BlockKrylov : IDisposable
{
    private const ulong Key = 0x4C6F72614F707321;

    private readonly FloatMatrix _matrix;
    private readonly FloatProduct _product;
    private readonly int _width;
    private ThinQr? _left;
    private ThinQr? _right;
    private CoreSvd? _core;
    private int _fresh;

    /// <summary>Nothing is worked out yet but the sum of squares.</summary>
    /// <param name="matrix">The matrix; its power of two is left out of all that is said here but the factors.</param>
    /// <param name="width">The directions of a step.</param>
    public BlockKrylov(FloatMatrix matrix, int width)
    {
        (_matrix, _product) = (matrix, new FloatProduct(matrix.Values, matrix.Rows, matrix.Columns));
        _width = Math.Min(width, Math.Min(matrix.Rows, matrix.Columns));
        Energy = _product.Squares();
        if (!double.IsFinite(Energy))
            throw new ArgumentException("An element of the matrix is not finite.", nameof(matrix));
    }

    /// <summary>The sum of the squares of all elements.</summary>
    public double Energy { get; }

    /// <summary>The directions so far.</summary>
    public int Count => _left?.Rank ?? 0;

    /// <summary>The sum of the squares of what lies in these directions.</summary>
    public double Captured { get; private set; }

    /// <summary>Adds the directions of one more power.</summary>
    /// <returns>False if there are no others: the matrix lies in those that there are.</returns>
    public bool Grow()
    {
        var images = Images();
        if (images is null)
            return false;

        var known = Count;
        if (_left is null)
            _left = new ThinQr(images);
        else
            _left.Extend(images);

        if (Count == known)
            return false;

        var added = _left.From(known);
        var back = _product.CrossTimes(added);
        added.Release();
        _fresh = _right?.Rank ?? 0;
        if (_right is null)
            _right = new ThinQr(back);
        else
            _right.Extend(back);

        Captured = 0;
        for (var row = 0; row < _right.Rank; row++)
            Captured += JacobiRows.Dot(_right.Row(row), _right.Row(row));

        return true;
    }

    /// <summary>The singular values of the matrix in the directions so far, largest first: none is above the matrix's own of its place.</summary>
    public double[] Solve()
    {
        if (_left is null || _right is null)
            return [];

        // matrix ≈ Q · (matrixᵀ · Q)ᵀ = Q · Tᵀ · Pᵀ.
        var (rows, columns) = (_left.Rank, _right.Rank);
        var width = ColumnPanels.Width(columns);
        var core = new double[rows * width];
        for (var column = 0; column < columns; column++)
        {
            for (var row = 0; row < rows; row++)
                core[(row * width) + column] = _right.Row(column)[row];
        }

        _core = new CoreSvd(core, (rows, columns));
        return _core.Sigma;
    }

    /// <summary>A sum of squares with the matrix's power of two.</summary>
    public double Scaled(double squares) => Math.ScaleB(squares, 2 * _matrix.Exponent);

    /// <summary>The first singular values that <see cref="Solve"/> found, with their vectors.</summary>
    public ThinSvd Take(int count)
    {
        if (count == 0)
            return new ThinSvd([], [], [], (_matrix.Rows, _matrix.Columns));

        double[] sigma = [.. _core!.Sigma.Take(count).Select(value => Math.ScaleB(value, _matrix.Exponent))];
        return ThinSvd.Of(_core, (_left!, _right!), sigma, (_matrix.Rows, _matrix.Columns));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _left?.Release();
        _right?.Release();
    }

    private ColumnPanels? Images()
    {
        if (_right is not null && _right.Rank == _fresh)
            return null;

        var directions = _right is null ? Signs() : _right.From(_fresh);
        var images = _product.Times(directions);
        directions.Release();
        return images;
    }

    private ColumnPanels Signs()
    {
        var signs = new double[_matrix.Columns * _width];
        for (var at = 0; at < signs.Length; at++)
            signs[at] = CounterNoise.Bits(Key, at) >> 63 == 0 ? 1 : -1;

        return ColumnPanels.Of(signs, _matrix.Columns, _width);
    }
}
