using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// W ← round(W + C · B) on stored elements: each is widened to float32, gets its chain of fused multiply-adds in the order of
/// the rank, is added once and rounded once (nearest, ties to even). Wider vectors do the same steps for more columns, so the
/// result is the same bits with AVX-512, with AVX2 and without vector instructions.
/// </summary>
public static class FusedUpdate
{
    // A tile's panels stay in half a megabyte, so that they are read from the second-level cache.
    private const int CachedFloats = 1 << 13;
    private const int TileRows = 4;

    /// <summary>Updates rows of bfloat16 codes.</summary>
    /// <param name="weights">[rows, columns] row-major, changed in place.</param>
    /// <param name="coefficients">[rows, rank] row-major</param>
    /// <param name="basis">[rank, columns]</param>
    /// <returns>False if a result is not finite.</returns>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public static bool Apply(Span<ushort> weights, ReadOnlySpan<float> coefficients, PackedBasis basis) =>
        Vector512.IsHardwareAccelerated
            ? Run<ushort, Vector512<float>, Lanes512>(weights, coefficients, basis)
            : Run<ushort, Vector256<float>, Lanes256>(weights, coefficients, basis);

    /// <summary>Updates rows of float32 elements.</summary>
    /// <inheritdoc cref="Apply(Span{ushort}, ReadOnlySpan{float}, PackedBasis)"/>
    public static bool Apply(Span<float> weights, ReadOnlySpan<float> coefficients, PackedBasis basis) =>
        Vector512.IsHardwareAccelerated
            ? Run<float, Vector512<float>, Lanes512>(weights, coefficients, basis)
            : Run<float, Vector256<float>, Lanes256>(weights, coefficients, basis);

    /// <summary>Updates a part of the columns of float32 rows; the coefficients may be a part of longer rows as well.</summary>
    /// <param name="weights">From the first row's first element to at least the last row's last one, changed in place.</param>
    /// <param name="coefficients">The same for the coefficients.</param>
    /// <param name="basis">[rank, columns]</param>
    /// <param name="rows">How many rows, and how far one lies from the next.</param>
    /// <inheritdoc cref="Apply(Span{ushort}, ReadOnlySpan{float}, PackedBasis)"/>
    public static bool Apply(Span<float> weights, ReadOnlySpan<float> coefficients, PackedBasis basis, RowSteps rows) =>
        Vector512.IsHardwareAccelerated
            ? Run<float, Vector512<float>, Lanes512>(weights, coefficients, basis, rows)
            : Run<float, Vector256<float>, Lanes256>(weights, coefficients, basis, rows);

    private static bool Run<TElement, TVector, TLanes>(Span<TElement> weights, ReadOnlySpan<float> coefficients, PackedBasis basis)
        where TElement : unmanaged
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        var (rank, columns) = (basis.Rank, basis.Columns);
        var rows = columns == 0 ? 0 : weights.Length / columns;
        return weights.Length == (long)rows * columns && coefficients.Length == (long)rows * rank
            ? Run<TElement, TVector, TLanes>(weights, coefficients, basis, new RowSteps(rows, columns, rank))
            : throw new ArgumentException("The factors do not give a matrix of the weights' size.", nameof(weights));
    }

    private static bool Run<TElement, TVector, TLanes>(
        Span<TElement> weights, ReadOnlySpan<float> coefficients, PackedBasis basis, RowSteps rows)
        where TElement : unmanaged
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        var (rank, columns, finite) = (basis.Rank, basis.Columns, true);
        if (rows.Weights < columns || rows.Coefficients < rank)
            throw new ArgumentException("The rows overlap.", nameof(rows));

        var panelsAtOnce = Math.Max(1, CachedFloats / (rank * PackedBasis.PanelWidth));
        for (var from = 0; from < basis.PanelCount; from += panelsAtOnce)
        {
            var to = Math.Min(basis.PanelCount, from + panelsAtOnce);
            for (var row = 0; row < rows.Count; row += TileRows)
            {
                var tile = rows with { Count = Math.Min(TileRows, rows.Count - row) };
                finite &= Rows<TElement, TVector, TLanes>(
                    weights.Slice(row * rows.Weights, tile.WeightsLength(columns)),
                    coefficients.Slice(row * rows.Coefficients, tile.CoefficientsLength(rank)),
                    (basis, from, to),
                    tile);
            }
        }

        return finite;
    }

    private static bool Rows<TElement, TVector, TLanes>(
        Span<TElement> weights, ReadOnlySpan<float> coefficients, (PackedBasis Basis, int From, int To) panels, RowSteps rows)
        where TElement : unmanaged
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        const int Width = PackedBasis.PanelWidth;
        var (finite, rank) = (true, panels.Basis.Rank);
        Span<TElement> edge = stackalloc TElement[TileRows * Width];
        var c = coefficients;
        var step = rows.Coefficients;
        if (rows.Count < TileRows)
        {
            var padded = new float[TileRows * rank];
            for (var row = 0; row < rows.Count; row++)
                coefficients.Slice(row * step, rank).CopyTo(padded.AsSpan(row * rank));

            c = padded;
            step = rank;
        }

        for (var panel = panels.From; panel < panels.To; panel++)
        {
            var at = panel * Width;
            var width = Math.Min(Width, panels.Basis.Columns - at);
            if (rows.Count == TileRows && width == Width)
            {
                finite &= Tile<TVector, TLanes>.Update(weights[at..], c, panels.Basis.Panel(panel), (rows.Weights, step, rank));
                continue;
            }

            // The edge of the matrix is updated in a tile of its own, whose spare elements are zeros.
            edge.Clear();
            for (var row = 0; row < rows.Count; row++)
                weights.Slice((row * rows.Weights) + at, width).CopyTo(edge[(row * Width)..]);

            finite &= Tile<TVector, TLanes>.Update(edge, c, panels.Basis.Panel(panel), (Width, step, rank));
            for (var row = 0; row < rows.Count; row++)
                edge.Slice(row * Width, width).CopyTo(weights.Slice((row * rows.Weights) + at, width));
        }

        return finite;
    }
}
