using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Magnitudes of float64 as keys: the bits of |x|, which as whole numbers have the order of the magnitudes. Comparing keys is
/// exact, so vectors of any width give the same bits.
/// </summary>
public static class Magnitudes
{
    private const int Lanes = 8;

    /// <summary>The key of a magnitude, from 0; of both zeros 0.</summary>
    public static long Key(double value) => BitConverter.DoubleToInt64Bits(value) & long.MaxValue;

    /// <summary>Makes the values zero whose key is not above the given one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void KeepAbove(Span<double> values, long key)
    {
        var bits = MemoryMarshal.Cast<double, long>(values);
        var at = 0;
        for (; at + Lanes <= bits.Length; at += Lanes)
        {
            var lane = Vector512.LoadUnsafe(ref bits[at]);
            var kept = lane & Vector512.GreaterThan(lane & Vector512.Create(long.MaxValue), Vector512.Create(key));
            kept.StoreUnsafe(ref bits[at]);
        }

        for (; at < bits.Length; at++)
            bits[at] = (bits[at] & long.MaxValue) > key ? bits[at] : 0;
    }

    /// <summary>Makes the values zero whose key is above the given one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void DropAbove(Span<double> values, long key)
    {
        var bits = MemoryMarshal.Cast<double, long>(values);
        var at = 0;
        for (; at + Lanes <= bits.Length; at += Lanes)
        {
            var lane = Vector512.LoadUnsafe(ref bits[at]);
            var kept = Vector512.AndNot(lane, Vector512.GreaterThan(lane & Vector512.Create(long.MaxValue), Vector512.Create(key)));
            kept.StoreUnsafe(ref bits[at]);
        }

        for (; at < bits.Length; at++)
            bits[at] = (bits[at] & long.MaxValue) > key ? 0 : bits[at];
    }

    /// <summary>The sum of the magnitudes, in eight lanes that are added at the end: the same bits on every processor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Sum(ReadOnlySpan<double> values)
    {
        var lanes = Vector512<double>.Zero;
        var at = 0;
        for (; at + Lanes <= values.Length; at += Lanes)
            lanes += Vector512.Abs(Vector512.Create(values.Slice(at, Lanes)));

        var sum = 0.0;
        for (var lane = 0; lane < Lanes; lane++)
            sum += lanes[lane];

        for (; at < values.Length; at++)
            sum += Math.Abs(values[at]);

        return sum;
    }

    /// <summary>The key that has a given place among keys in descending order.</summary>
    /// <param name="keys">The keys, at least as many as the rank; their order is lost.</param>
    /// <param name="rank">The place, from 1 for the largest.</param>
    public static long Ranked(Span<long> keys, int rank)
    {
        const int Buckets = 1 << 11;
        const int Few = 64;
        Span<int> counts = stackalloc int[Buckets];
        while (keys.Length > Few)
        {
            var (low, high) = (TensorPrimitives.Min<long>(keys), TensorPrimitives.Max<long>(keys));
            if (low == high)
                return low;

            var shift = Shift(high - low, Buckets);
            counts.Clear();
            foreach (var key in keys)
                counts[(int)((key - low) >> shift)]++;

            var bucket = Buckets - 1;
            for (; rank > counts[bucket]; bucket--)
                rank -= counts[bucket];

            var kept = 0;
            foreach (var key in keys)
            {
                keys[kept] = key;
                kept += (key - low) >> shift == bucket ? 1 : 0;
            }

            keys = keys[..kept];
        }

        keys.Sort();
        return keys[^rank];
    }

    /// <summary>By how many bits differences up to a width are shifted to number that many buckets.</summary>
    public static int Shift(long width, int buckets) =>
        Math.Max(0, 64 - System.Numerics.BitOperations.LeadingZeroCount((ulong)width) - int.Log2(buckets));
}
