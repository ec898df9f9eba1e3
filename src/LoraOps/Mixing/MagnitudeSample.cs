using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>Guesses from a few elements of a matrix which keys its magnitude order has at a place. A wrong guess costs time and changes nothing.</summary>
internal static class MagnitudeSample
{
    private const int Lines = 512;

    // Shares of a sample of random factors lie within half a hundredth of the true ones.
    private const double Margin = 0.02;

    /// <summary>A band of keys that probably holds the one at a place, and at most half as many elements as can be collected.</summary>
    /// <param name="delta">The matrix.</param>
    /// <param name="count">The place, from 1 for the largest.</param>
    /// <param name="capacity">How many elements can be collected.</param>
    public static KeyBand Band(DeltaMatrix delta, long count, int capacity)
    {
        if (delta.Count <= capacity)
            return KeyBand.Whole;

        var keys = Keys(delta);
        var share = (double)count / delta.Count;
        var margin = Math.Min(Margin, 0.25 * capacity / delta.Count);
        var first = (int)((share - margin) * keys.Length);
        var last = (int)((share + margin) * keys.Length) + 1;
        return new KeyBand(
            last > keys.Length ? 0 : Magnitudes.Ranked([.. keys], last),
            first < 1 ? long.MaxValue : Magnitudes.Ranked([.. keys], first),
            0);
    }

    private static long[] Keys(DeltaMatrix delta)
    {
        // Odd steps do not fall into step with heads, whose sizes are powers of two.
        var (rowStep, columnStep) = (Math.Max(1, delta.Rows / Lines) | 1, Math.Max(1, delta.Columns / Lines) | 1);
        if (delta is LowRank product)
            return Keys(Thinned(product, rowStep, columnStep));

        var keys = new List<long>();
        var row = new double[delta.Columns];
        for (var at = 0; at < delta.Rows; at += rowStep)
        {
            delta.Read(at, row);
            for (var column = 0; column < row.Length; column += columnStep)
                keys.Add(Magnitudes.Key(row[column]));
        }

        return [.. keys];
    }

    private static long[] Keys(LowRank product) => Array.ConvertAll(product.ToArray(), Magnitudes.Key);

    private static LowRank Thinned(LowRank product, int rowStep, int columnStep)
    {
        var (rows, columns, rank) = (((product.Rows - 1) / rowStep) + 1, ((product.Columns - 1) / columnStep) + 1, product.Rank);
        var (b, a) = (new double[rows * rank], new double[rank * columns]);
        for (var row = 0; row < rows; row++)
            product.B.AsSpan(row * rowStep * rank, rank).CopyTo(b.AsSpan(row * rank));

        for (var at = 0; at < a.Length; at++)
            a[at] = product.A[((at / columns) * product.Columns) + (at % columns * columnStep)];

        return new LowRank(b, a, rank, (rows, columns), product.Scale);
    }
}
