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

    private static bool Run<TElement, TVector, TLanes>(Span<TElement> weights, ReadOnlySpan<float> coefficients, PackedBasis basis)
        where TElement : unmanaged
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        var (rank, columns) = (basis.Rank, basis.Columns);
        var rows = columns == 0 ? 0 : weights.Length / columns;
        if (weights.Length != (long)rows * columns || coefficients.Length != (long)rows * rank)
            throw new ArgumentException("The factors do not give a matrix of the weights' size.", nameof(weights));

        var finite = true;
        var panelsAtOnce = Math.Max(1, CachedFloats / (rank * PackedBasis.PanelWidth));
        for (var from = 0; from < basis.PanelCount; from += panelsAtOnce)
        {
            var to = Math.Min(basis.PanelCount, from + panelsAtOnce);
            for (var row = 0; row < rows; row += TileRows)
            {
                var count = Math.Min(TileRows, rows - row);
                finite &= Rows<TElement, TVector, TLanes>(
                    weights.Slice(row * columns, count * columns), coefficients.Slice(row * rank, count * rank), basis, (from, to));
            }
        }

        return finite;
    }

    private static bool Rows<TElement, TVector, TLanes>(
        Span<TElement> weights, ReadOnlySpan<float> coefficients, PackedBasis basis, (int From, int To) panels)
        where TElement : unmanaged
        where TVector : struct
        where TLanes : ILanes<TVector>
    {
        const int Width = PackedBasis.PanelWidth;
        var (finite, columns, rows) = (true, basis.Columns, weights.Length / basis.Columns);
        Span<TElement> edge = stackalloc TElement[TileRows * Width];
        Span<float> padded = rows < TileRows ? new float[TileRows * basis.Rank] : [];
        if (rows < TileRows)
            coefficients.CopyTo(padded);

        var c = rows < TileRows ? padded : coefficients;
        for (var panel = panels.From; panel < panels.To; panel++)
        {
            var at = panel * Width;
            var width = Math.Min(Width, columns - at);
            if (rows == TileRows && width == Width)
            {
                finite &= Tile<TVector, TLanes>.Update(weights[at..], columns, c, basis.Panel(panel));
                continue;
            }

            // The edge of the matrix is updated in a tile of its own, whose spare elements are zeros.
            edge.Clear();
            for (var row = 0; row < rows; row++)
                weights.Slice((row * columns) + at, width).CopyTo(edge[(row * Width)..]);

            finite &= Tile<TVector, TLanes>.Update(edge, Width, c, basis.Panel(panel));
            for (var row = 0; row < rows; row++)
                edge.Slice(row * Width, width).CopyTo(weights.Slice((row * columns) + at, width));
        }

        return finite;
    }
}
