using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>
/// The singular values of a product of factors; the vectors are formed only for as many as are asked for. Every pair of a column of
/// B and a row of A counts by its product, so a factor that moves from one to the other changes nothing.
/// </summary>
internal sealed class ThinSpectrum : IDisposable
{
    // Singular values below this share of the largest pair or of the largest of them are rounding.
    private const double Noise = 1e-14;

    // Squares of such elements and sums of them are normal numbers.
    private const double Large = 1e75;

    private readonly (int Rows, int Columns) _size;
    private readonly ThinQr? _left;
    private readonly ThinQr? _right;
    private readonly CoreSvd? _core;

    /// <summary>Works the singular values out.</summary>
    /// <exception cref="ArgumentException">An element is not finite.</exception>
    public ThinSpectrum(LowRank delta)
    {
        _size = (delta.Rows, delta.Columns);
        if (delta.Rank == 0 || delta.Scale == 0)
            return;

        var pairs = Enumerable.Repeat(delta.Scale, delta.Rank).ToArray();
        var (b, a) = (delta.B, delta.A);
        if (!IsTame(b) || !IsTame(a))
            (b, a) = Tamed(delta, pairs);

        _left = new ThinQr(ColumnPanels.Of(b, delta.Rows, delta.Rank));
        _right = new ThinQr(ColumnPanels.OfTransposed(a, delta.Columns, delta.Rank));
        if (_left.Rank == 0 || _right.Rank == 0)
            return;

        _core = new CoreSvd(Core(_left, _right, pairs), (_left.Rank, _right.Rank));
        var floor = Noise * Math.Max(_core.Sigma.FirstOrDefault(), Largest(_left, _right, pairs));
        Sigma = [.. _core.Sigma.Where(sigma => sigma > floor)];
    }

    /// <summary>The singular values above rounding, largest first.</summary>
    public double[] Sigma { get; } = [];

    /// <summary>The first of them with their vectors.</summary>
    public ThinSvd Take(int count)
    {
        if (count == 0)
            return new ThinSvd([], [], [], _size);

        return ThinSvd.Of(_core!, (_left!, _right!), Sigma[..count], _size);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _left?.Release();
        _right?.Release();
    }

    private static double[] Core(ThinQr left, ThinQr right, double[] pairs)
    {
        var width = ColumnPanels.Width(right.Rank);
        var core = new double[left.Rank * width];
        var scaled = new double[ColumnPanels.Width(pairs.Length)];
        for (var row = 0; row < left.Rank; row++)
        {
            TensorPrimitives.Multiply(left.Row(row)[..pairs.Length], pairs, scaled);
            for (var column = 0; column < right.Rank; column++)
                core[(row * width) + column] = JacobiRows.Dot(scaled, right.Row(column));
        }

        return core;
    }

    // The largest norm of one pair's product.
    private static double Largest(ThinQr left, ThinQr right, double[] pairs)
    {
        var (lefts, rights) = (Squares(left, pairs.Length), Squares(right, pairs.Length));
        return pairs.Select((scale, at) => Math.Abs(scale) * Math.Sqrt(lefts[at]) * Math.Sqrt(rights[at])).Max();
    }

    private static double[] Squares(ThinQr basis, int columns)
    {
        var squares = new double[columns];
        for (var row = 0; row < basis.Rank; row++)
            TensorPrimitives.FusedMultiplyAdd(basis.Row(row)[..columns], basis.Row(row)[..columns], squares, squares);

        return squares;
    }

    private static bool IsTame(double[] values)
    {
        // The element itself is found, with its sign.
        var most = values.Length == 0 ? 0 : Math.Abs(TensorPrimitives.MaxMagnitude<double>(values));
        return double.IsFinite(most)
            ? most == 0 || (most < Large && most > 1 / Large)
            : throw new ArgumentException("A factor has an element that is not finite.", nameof(values));
    }

    // Each column of B and each row of A times a power of two, which the pair gets back.
    private static (double[] B, double[] A) Tamed(LowRank delta, double[] pairs)
    {
        var (b, a) = ((double[])delta.B.Clone(), (double[])delta.A.Clone());
        for (var index = 0; index < delta.Rank; index++)
        {
            var most = 0.0;
            for (var at = index; at < b.Length; at += delta.Rank)
                most = Math.Max(most, Math.Abs(b[at]));

            var row = a.AsSpan(index * delta.Columns, delta.Columns);
            var largest = TensorPrimitives.MaxMagnitude<double>(row);
            if (most == 0 || largest == 0)
                continue;

            var (left, right) = (Math.ILogB(most), Math.ILogB(largest));
            for (var at = index; at < b.Length; at += delta.Rank)
                b[at] = Math.ScaleB(b[at], -left);

            for (var at = 0; at < row.Length; at++)
                row[at] = Math.ScaleB(row[at], -right);

            pairs[index] = Math.ScaleB(pairs[index], left + right);
        }

        return (b, a);
    }
}
