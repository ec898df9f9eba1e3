using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>Products of factors in the few coordinates that they span together, with the same inner products.</summary>
internal static class Coordinates
{
    /// <summary>
    /// Deltas with the same inner products over the groups, R instead of all columns (or rows, where a group is a column) where
    /// the given ones are products of R factors together; the given ones where that is no gain.
    /// </summary>
    public static IReadOnlyList<DeltaMatrix> Of(IReadOnlyList<DeltaMatrix> deltas, Granularity granularity)
    {
        if (!deltas.All(delta => delta is LowRank))
            return deltas;

        LowRank[] products = [.. deltas.Cast<LowRank>()];
        var rank = products.Sum(product => product.Rank);
        var length = granularity == Granularity.Column ? products[0].Rows : products[0].Columns;
        if (rank == 0 || rank >= length)
            return deltas;

        return granularity == Granularity.Column ? Rows(products, rank) : Columns(products, rank);
    }

    /// <summary>A product in the coordinates that its own right factor spans, [rows, rank]; itself if it has no more columns than that.</summary>
    public static LowRank Columns(LowRank product) =>
        product.Rank > 0 && product.Rank < product.Columns ? Columns([product], product.Rank)[0] : product;

    private static LowRank[] Columns(LowRank[] products, int rank)
    {
        var columns = products[0].Columns;
        var stacked = new double[checked(rank * columns)];
        var at = 0;
        foreach (var product in products)
        {
            product.A.CopyTo(stacked, at);
            at += product.A.Length;
        }

        var basis = new ThinQr(ColumnPanels.OfTransposed(stacked, columns, rank));
        var used = 0;
        LowRank[] small = [.. products.Select(product =>
        {
            used += product.Rank;
            return new LowRank(product.B, Part(basis, used - product.Rank, product.Rank), product.Rank, (product.Rows, basis.Rank), product.Scale);
        })];
        basis.Release();
        return small;
    }

    // A = Tᵀ · Qᵀ: some columns of T as rows.
    private static double[] Part(ThinQr basis, int first, int count)
    {
        var part = new double[count * basis.Rank];
        for (var direction = 0; direction < basis.Rank; direction++)
        {
            var shares = basis.Row(direction).Slice(first, count);
            for (var row = 0; row < count; row++)
                part[(row * basis.Rank) + direction] = shares[row];
        }

        return part;
    }

    private static LowRank[] Rows(LowRank[] products, int rank) =>
        [.. Columns([.. products.Select(Turned)], rank).Select(Turned)];

    private static LowRank Turned(LowRank product) => new(
        Dense.Transposed(product.A, product.Rank, product.Columns),
        Dense.Transposed(product.B, product.Rows, product.Rank),
        product.Rank,
        (product.Columns, product.Rows),
        product.Scale);
}
