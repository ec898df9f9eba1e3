using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>Sorts a row by magnitude, the largest first and equal ones by ascending index, in memory that is used for one row after the other.</summary>
/// <param name="length">How many values a row has.</param>
public sealed class MagnitudeSort(int length)
{
    private const int Lanes = 8;
    private const int Few = 24;

    // Magnitudes of more than that many times the mean share the first bucket.
    private const double Spread = 4;

    private readonly int[] _order = new int[length];
    private readonly int[] _buckets = new int[length];
    private readonly int[] _ends = new int[(2 * length) + 1];
    private readonly long[] _keys = new long[length];

    /// <summary>The indices of the values in the order of their magnitudes; valid until the next call.</summary>
    /// <param name="values">[length]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public ReadOnlySpan<int> Order(ReadOnlySpan<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, length);
        var most = Distribute(values);
        for (var index = 0; index < values.Length; index++)
        {
            var place = _ends[_buckets[index]]++;
            (_order[place], _keys[place]) = (index, Magnitudes.Key(values[index]));
        }

        // Afterwards each bucket's place is its end. What is crowded is sorted by itself, the rest moves by a few places.
        for (int bucket = 0, start = 0; most > Few && bucket < 2 * length; start = _ends[bucket++])
        {
            if (_ends[bucket] - start > Few)
                Sort(_keys.AsSpan(start..(_ends[bucket])), _order.AsSpan(start..(_ends[bucket])));
        }

        for (var at = 1; at < _keys.Length; at++)
        {
            var (key, index, to) = (_keys[at], _order[at], at);
            for (; to > 0 && _keys[to - 1] < key; to--)
                (_keys[to], _order[to]) = (_keys[to - 1], _order[to - 1]);

            (_keys[to], _order[to]) = (key, index);
        }

        return _order;
    }

    // Buckets of equal width in descending order, twice as many as values; each gets the place where it begins. Returns the size of the largest.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Distribute(ReadOnlySpan<double> values)
    {
        var last = (2.0 * length) - 1;
        var scale = 2 * length / (Spread * (Magnitudes.Sum(values) / Math.Max(1, length)));
        var at = 0;
        for (; at + Lanes <= values.Length; at += Lanes)
        {
            var scaled = Vector512.Min(Vector512.Abs(Vector512.Create(values.Slice(at, Lanes))) * scale, Vector512.Create(last));
            var buckets = Vector512.Create((long)last) - Vector512.ConvertToInt64(scaled);
            Vector256.Narrow(buckets.GetLower(), buckets.GetUpper()).CopyTo(_buckets, at);
        }

        for (; at < values.Length; at++)
            _buckets[at] = (int)last - (int)Math.Min(Math.Abs(values[at]) * scale, last);

        Array.Clear(_ends);
        foreach (var bucket in _buckets)
            _ends[bucket + 1]++;

        var (sum, most) = (0, 0);
        foreach (ref var end in _ends.AsSpan())
        {
            most = Math.Max(most, end);
            end = sum += end;
        }

        return most;
    }

    private static void Sort(Span<long> keys, Span<int> order)
    {
        foreach (ref var key in keys)
            key = -key;

        keys.Sort(order);
        for (int at = 0, end; at < keys.Length; at = end)
        {
            for (end = at + 1; end < keys.Length && keys[end] == keys[at];)
                end++;

            order[at..end].Sort();
        }

        foreach (ref var key in keys)
            key = -key;
    }
}
