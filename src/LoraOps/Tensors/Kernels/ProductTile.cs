using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>How the left factor of a <see cref="ProductTile"/> lies in memory; the inner dimension runs in segments.</summary>
/// <param name="Row">The elements from one row of the tile to the next.</param>
/// <param name="Depth">The elements from one index of the inner dimension to the next.</param>
/// <param name="Count">The inner dimension of one segment.</param>
/// <param name="Segments">The number of segments.</param>
/// <param name="Segment">The elements from one segment to the next.</param>
internal readonly record struct TileSteps(nuint Row, nuint Depth, nuint Count, nuint Segments = 1, nuint Segment = 0);

/// <summary>
/// Eight rows of sixteen columns of a product of float64 matrices. All 128 sums stay in registers while the inner dimension
/// runs; each is one chain of fused multiply-adds from zero in its order: the same bits with and without vector instructions.
/// </summary>
internal static class ProductTile
{
    /// <summary>The rows of a tile.</summary>
    public const int Rows = 8;

    /// <summary>The columns of a tile.</summary>
    public const int Columns = 16;

    /// <summary>Works out one tile.</summary>
    /// <param name="tile">The first of 8 rows of 16; the chains are stored, or added to what is there.</param>
    /// <param name="tileStep">The elements from one row of the tile to the next.</param>
    /// <param name="left">The left factor's first element.</param>
    /// <param name="steps">Where its others lie.</param>
    /// <param name="panel">The right factor, [inner dimension, 16].</param>
    /// <param name="add">Adds.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(ref double tile, nuint tileStep, ref double left, TileSteps steps, ref double panel, bool add)
    {
        Vector512<double> a0 = default, a1 = default, a2 = default, a3 = default, a4 = default, a5 = default, a6 = default, a7 = default;
        Vector512<double> b0 = default, b1 = default, b2 = default, b3 = default, b4 = default, b5 = default, b6 = default, b7 = default;
        var (row, depth, count) = (steps.Row, steps.Depth, steps.Count);
        var (row3, row5) = (row * 3, row * 5);
        for (nuint segment = 0; segment < steps.Segments; segment++)
        {
            ref var x = ref Unsafe.Add(ref left, segment * steps.Segment);
            for (nuint index = 0; index < count; index++)
            {
                var (low, high) = (Vector512.LoadUnsafe(ref panel), Vector512.LoadUnsafe(ref panel, 8));
                panel = ref Unsafe.Add(ref panel, Columns);
                var value = Vector512.Create(x);
                a0 = Vector512.FusedMultiplyAdd(value, low, a0);
                b0 = Vector512.FusedMultiplyAdd(value, high, b0);
                value = Vector512.Create(Unsafe.Add(ref x, row));
                a1 = Vector512.FusedMultiplyAdd(value, low, a1);
                b1 = Vector512.FusedMultiplyAdd(value, high, b1);
                value = Vector512.Create(Unsafe.Add(ref x, row * 2));
                a2 = Vector512.FusedMultiplyAdd(value, low, a2);
                b2 = Vector512.FusedMultiplyAdd(value, high, b2);
                value = Vector512.Create(Unsafe.Add(ref x, row3));
                a3 = Vector512.FusedMultiplyAdd(value, low, a3);
                b3 = Vector512.FusedMultiplyAdd(value, high, b3);
                value = Vector512.Create(Unsafe.Add(ref x, row * 4));
                a4 = Vector512.FusedMultiplyAdd(value, low, a4);
                b4 = Vector512.FusedMultiplyAdd(value, high, b4);
                value = Vector512.Create(Unsafe.Add(ref x, row5));
                a5 = Vector512.FusedMultiplyAdd(value, low, a5);
                b5 = Vector512.FusedMultiplyAdd(value, high, b5);
                value = Vector512.Create(Unsafe.Add(ref x, row3 * 2));
                a6 = Vector512.FusedMultiplyAdd(value, low, a6);
                b6 = Vector512.FusedMultiplyAdd(value, high, b6);
                value = Vector512.Create(Unsafe.Add(ref x, (row * 8) - row));
                a7 = Vector512.FusedMultiplyAdd(value, low, a7);
                b7 = Vector512.FusedMultiplyAdd(value, high, b7);
                x = ref Unsafe.Add(ref x, depth);
            }
        }

        Store(ref tile, a0, b0, add);
        Store(ref Unsafe.Add(ref tile, tileStep), a1, b1, add);
        Store(ref Unsafe.Add(ref tile, tileStep * 2), a2, b2, add);
        Store(ref Unsafe.Add(ref tile, tileStep * 3), a3, b3, add);
        Store(ref Unsafe.Add(ref tile, tileStep * 4), a4, b4, add);
        Store(ref Unsafe.Add(ref tile, tileStep * 5), a5, b5, add);
        Store(ref Unsafe.Add(ref tile, tileStep * 6), a6, b6, add);
        Store(ref Unsafe.Add(ref tile, tileStep * 7), a7, b7, add);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(ref double row, Vector512<double> low, Vector512<double> high, bool add)
    {
        if (add)
        {
            low += Vector512.LoadUnsafe(ref row);
            high += Vector512.LoadUnsafe(ref row, 8);
        }

        low.StoreUnsafe(ref row);
        high.StoreUnsafe(ref row, 8);
    }
}
