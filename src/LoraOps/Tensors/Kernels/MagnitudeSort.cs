using System.Runtime.CompilerServices;

namespace LoraOps.Tensors.Kernels;

/// <summary>Sorts a row by magnitude, the largest first and equal ones by ascending index, in memory that is used for one row after the other.</summary>
/// <param name="length">How many values a row has.</param>
public sealed class MagnitudeSort(int length)
{
    private const int Few = 24;

    // Magnitudes of more than that many times the mean share the first bucket.
    private const double Spread = 4;

    private readonly int[] _order = new int[length];
    private readonly int[] _buckets = new int[length];
    private readonly int[] _starts = new int[length + 1];
    private readonly long[] _keys = new long[length];

    /// <summary>The indices of the values in the order of their magnitudes; valid until the next call.</summary>
    /// <param name="values">[length]</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public ReadOnlySpan<int> Order(ReadOnlySpan<double> values)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(values.Length, length);

        // Buckets of equal width, about one value in each, in descending order; within one the indices ascend.
        var scale = length / (Spread * (Magnitudes.Sum(values) / Math.Max(1, length)));
        var starts = _starts.AsSpan();
        var last = length - 1;
        starts.Clear();
        for (var index = 0; index < values.Length; index++)
        {
            var bucket = last - (int)Math.Min(Math.Abs(values[index]) * scale, last);
            _buckets[index] = bucket;
            starts[bucket + 1]++;
        }

        for (var bucket = 1; bucket <= length; bucket++)
            starts[bucket] += starts[bucket - 1];

        // Afterwards each bucket's start is the next one's.
        for (var index = 0; index < values.Length; index++)
            _order[starts[_buckets[index]]++] = index;

        for (int bucket = 0, start = 0; bucket < length; start = starts[bucket++])
        {
            if (starts[bucket] - start > 1)
                Sort(values, _order.AsSpan(start..starts[bucket]));
        }

        return _order;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Sort(ReadOnlySpan<double> values, Span<int> order)
    {
        if (order.Length > Few)
        {
            SortMany(values, order);
            return;
        }

        for (var at = 1; at < order.Length; at++)
        {
            var (index, to) = (order[at], at);
            var key = Magnitudes.Key(values[index]);
            for (; to > 0 && Magnitudes.Key(values[order[to - 1]]) < key; to--)
                order[to] = order[to - 1];

            order[to] = index;
        }
    }

    private void SortMany(ReadOnlySpan<double> values, Span<int> order)
    {
        var keys = _keys.AsSpan(0, order.Length);
        for (var at = 0; at < order.Length; at++)
            keys[at] = -Magnitudes.Key(values[order[at]]);

        keys.Sort(order);
        for (int at = 0, end; at < order.Length; at = end)
        {
            for (end = at + 1; end < order.Length && keys[end] == keys[at];)
                end++;

            order[at..end].Sort();
        }
    }
}
