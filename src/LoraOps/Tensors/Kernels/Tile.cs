using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Four rows of one panel's columns. Four rows of two vectors stay in registers while the rank runs: eight chains that do not
/// wait for one another keep two fused units of latency four busy.
/// </summary>
/// <typeparam name="TVector">A vector of float32.</typeparam>
/// <typeparam name="TLanes">What can be done with it.</typeparam>
internal static class Tile<TVector, TLanes>
    where TVector : struct
    where TLanes : ILanes<TVector>
{
    /// <summary>Adds coefficients · panel to a tile of the weights and rounds; false if a result is not finite.</summary>
    /// <param name="weights">Begins with the tile's first element.</param>
    /// <param name="stride">The elements from one row to the next.</param>
    /// <param name="coefficients">[4, rank]</param>
    /// <param name="panel">[rank, 32]</param>
    public static bool Update<TElement>(
        Span<TElement> weights, int stride, ReadOnlySpan<float> coefficients, ReadOnlySpan<float> panel)
        where TElement : unmanaged
    {
        var finite = true;
        for (var column = 0; column < PackedBasis.PanelWidth; column += 2 * TLanes.Width)
            finite &= UpdatePair(weights[column..((3 * stride) + column + (2 * TLanes.Width))], (nuint)stride, coefficients, panel[column..]);

        return finite;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool UpdatePair<TElement>(
        Span<TElement> weights, nuint stride, ReadOnlySpan<float> coefficients, ReadOnlySpan<float> panel)
        where TElement : unmanaged
    {
        var rank = (nuint)coefficients.Length / 4;
        ref var c = ref MemoryMarshal.GetReference(coefficients);
        ref var p = ref MemoryMarshal.GetReference(panel);
        TVector a0 = default, a1 = default, b0 = default, b1 = default, c0 = default, c1 = default, d0 = default, d1 = default;
        for (nuint k = 0; k < rank; k++)
        {
            var low = TLanes.Load(ref p, k * PackedBasis.PanelWidth);
            var high = TLanes.Load(ref p, (k * PackedBasis.PanelWidth) + (nuint)TLanes.Width);
            var x = TLanes.Create(Unsafe.Add(ref c, k));
            a0 = TLanes.MultiplyAdd(x, low, a0);
            a1 = TLanes.MultiplyAdd(x, high, a1);
            x = TLanes.Create(Unsafe.Add(ref c, k + rank));
            b0 = TLanes.MultiplyAdd(x, low, b0);
            b1 = TLanes.MultiplyAdd(x, high, b1);
            x = TLanes.Create(Unsafe.Add(ref c, k + (2 * rank)));
            c0 = TLanes.MultiplyAdd(x, low, c0);
            c1 = TLanes.MultiplyAdd(x, high, c1);
            x = TLanes.Create(Unsafe.Add(ref c, k + (3 * rank)));
            d0 = TLanes.MultiplyAdd(x, low, d0);
            d1 = TLanes.MultiplyAdd(x, high, d1);
        }

        ref var w = ref MemoryMarshal.GetReference(weights);
        return TLanes.Add(ref w, a0, a1)
            & TLanes.Add(ref Unsafe.Add(ref w, stride), b0, b1)
            & TLanes.Add(ref Unsafe.Add(ref w, 2 * stride), c0, c1)
            & TLanes.Add(ref Unsafe.Add(ref w, 3 * stride), d0, d1);
    }
}
