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
    /// <param name="coefficients">Begins with the first row's first coefficient.</param>
    /// <param name="panel">[rank, 32]</param>
    /// <param name="steps">The elements from one row of the weights and of the coefficients to the next, and the rank.</param>
    public static bool Update<TElement>(
        Span<TElement> weights, ReadOnlySpan<float> coefficients, ReadOnlySpan<float> panel, (int Weights, int Coefficients, int Rank) steps)
        where TElement : unmanaged
    {
        var finite = true;
        for (var column = 0; column < PackedBasis.PanelWidth; column += 2 * TLanes.Width)
        {
            finite &= UpdatePair(
                weights[column..((3 * steps.Weights) + column + (2 * TLanes.Width))],
                coefficients[..((3 * steps.Coefficients) + steps.Rank)],
                panel[column..],
                ((nuint)steps.Weights, (nuint)steps.Coefficients, (nuint)steps.Rank));
        }

        return finite;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool UpdatePair<TElement>(
        Span<TElement> weights, ReadOnlySpan<float> coefficients, ReadOnlySpan<float> panel, (nuint Weights, nuint Coefficients, nuint Rank) steps)
        where TElement : unmanaged
    {
        var (stride, step, rank) = steps;
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
            x = TLanes.Create(Unsafe.Add(ref c, k + step));
            b0 = TLanes.MultiplyAdd(x, low, b0);
            b1 = TLanes.MultiplyAdd(x, high, b1);
            x = TLanes.Create(Unsafe.Add(ref c, k + (2 * step)));
            c0 = TLanes.MultiplyAdd(x, low, c0);
            c1 = TLanes.MultiplyAdd(x, high, c1);
            x = TLanes.Create(Unsafe.Add(ref c, k + (3 * step)));
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
