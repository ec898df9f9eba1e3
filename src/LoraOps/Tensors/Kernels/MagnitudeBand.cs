using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>Counts the magnitudes above a band of keys and collects those within it, up to a number, in the order in which they come.</summary>
/// <param name="low">The lowest key of the band, from 0.</param>
/// <param name="high">The highest key of the band.</param>
/// <param name="capacity">How many are collected; the others are only counted.</param>
public sealed class MagnitudeBand(long low, long high, int capacity) : IDisposable
{
    private const int Lanes = 8;
    private readonly long[] _keys = ArrayPool<long>.Shared.Rent(capacity);
    private readonly long[] _indices = ArrayPool<long>.Shared.Rent(capacity);

    /// <summary>How many keys were above the band.</summary>
    public long Above { get; private set; }

    /// <summary>How many keys were within the band, collected or not.</summary>
    public long Inside { get; private set; }

    /// <summary>The keys that were collected.</summary>
    public ReadOnlySpan<long> Keys => _keys.AsSpan(0, (int)Math.Min(Inside, capacity));

    /// <summary>Their flat indices, ascending if the values came so.</summary>
    public ReadOnlySpan<long> Indices => _indices.AsSpan(0, (int)Math.Min(Inside, capacity));

    /// <summary>Adds values that lie one after the other.</summary>
    /// <param name="values">The values.</param>
    /// <param name="index">The flat index of the first.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Add(ReadOnlySpan<double> values, long index)
    {
        var bits = MemoryMarshal.Cast<double, long>(values);
        var (below, top, sign) = (Vector512.Create(low - 1), Vector512.Create(high), Vector512.Create(long.MaxValue));
        var over = Vector512<long>.Zero;
        var at = 0;
        for (; at + Lanes <= bits.Length; at += Lanes)
        {
            var keys = Vector512.LoadUnsafe(in bits[at]) & sign;
            var higher = Vector512.GreaterThan(keys, top);
            over -= higher;
            for (var inside = Vector512.AndNot(Vector512.GreaterThan(keys, below), higher).ExtractMostSignificantBits(); inside != 0; inside &= inside - 1)
            {
                var found = at + BitOperations.TrailingZeroCount(inside);
                Collect(bits[found] & long.MaxValue, index + found);
            }
        }

        Above += Vector512.Sum(over);
        for (; at < bits.Length; at++)
        {
            var key = bits[at] & long.MaxValue;
            if (key > high)
                Above++;
            else if (key >= low)
                Collect(key, index + at);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<long>.Shared.Return(_keys);
        ArrayPool<long>.Shared.Return(_indices);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Collect(long key, long index)
    {
        if (Inside < capacity)
            (_keys[Inside], _indices[Inside]) = (key, index);

        Inside++;
    }
}
