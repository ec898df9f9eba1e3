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
    private const int BlockLanes = 512;
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
    public void Add(ReadOnlySpan<double> values, long index)
    {
        var bits = MemoryMarshal.Cast<double, long>(values);
        while (bits.Length >= Lanes)
        {
            var length = Math.Min(BlockLanes, bits.Length / Lanes) * Lanes;
            AddLanes(bits[..length], index);
            bits = bits[length..];
            index += length;
        }

        for (var at = 0; at < bits.Length; at++)
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

    // First where there is something, without a branch that nobody could foretell; then what it is.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddLanes(ReadOnlySpan<long> bits, long index)
    {
        Span<int> found = stackalloc int[BlockLanes];
        var (below, top, sign) = (Vector512.Create(low - 1), Vector512.Create(high), Vector512.Create(long.MaxValue));
        var over = Vector512<long>.Zero;
        var count = 0;
        for (var at = 0; at < bits.Length; at += Lanes)
        {
            var keys = Vector512.LoadUnsafe(in bits[at]) & sign;
            var higher = Vector512.GreaterThan(keys, top);
            over -= higher;
            found[count] = at;
            count += Vector512.AndNot(Vector512.GreaterThan(keys, below), higher).ExtractMostSignificantBits() != 0 ? 1 : 0;
        }

        Above += Vector512.Sum(over);
        foreach (var at in found[..count])
        {
            var keys = Vector512.LoadUnsafe(in bits[at]) & sign;
            var inside = Vector512.AndNot(Vector512.GreaterThan(keys, below), Vector512.GreaterThan(keys, top)).ExtractMostSignificantBits();
            for (; inside != 0; inside &= inside - 1)
            {
                var lane = at + BitOperations.TrailingZeroCount(inside);
                Collect(bits[lane] & long.MaxValue, index + lane);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Collect(long key, long index)
    {
        if (Inside < capacity)
            (_keys[Inside], _indices[Inside]) = (key, index);

        Inside++;
    }
}
