using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using LoraOps.Onnx.Quantizing;

namespace LoraOps.Runtime.Calibrating;

/// <summary>
/// How often a tensor took values of which size, counted in one pass: bins of one width on both sides of zero, and when a value lies beyond
/// the last of them, pairs of bins are merged until it fits. Widths are powers of two, so bins nest exactly, and the counts depend on the
/// values alone: not on their order, nor on how they were cut into calls.
/// </summary>
public sealed class TensorHistogram
{
    private const int BlockLength = 4096;

    // 2^−126 is the smallest normal float32, and its reciprocal is finite.
    private const int LeastExponent = -126;

    private readonly long[] _counts;
    private readonly int[] _places = new int[Vector256<int>.Count];
    private int _exponent = int.MinValue;
    private float _min = float.PositiveInfinity;
    private float _max = float.NegativeInfinity;
    private bool _hasNaN;
    private bool _hasInfinity;

    /// <param name="bins">At least so many bins lie between zero and the largest magnitude; 0 for the extremes alone.</param>
    public TensorHistogram(int bins)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bins);
        Side = 2 * bins;
        _counts = new long[2 * Side];
    }

    /// <summary>Bins on each side of zero.</summary>
    public int Side { get; }

    /// <summary>The width of a bin.</summary>
    public double Width => _exponent == int.MinValue ? Math.ScaleB(1, LeastExponent) : Math.ScaleB(1, _exponent);

    /// <summary>How many values were seen.</summary>
    public long Count { get; private set; }

    /// <summary>How many of them were zero; they are counted in the first bin above zero as well.</summary>
    public long Zeros { get; private set; }

    /// <summary>True if half of the bins lie below the largest magnitude: not for a tensor that is all but zero, whose values no width resolves.</summary>
    public bool IsFine => Count > 0 && Math.Max(Math.Abs((double)_min), Math.Abs((double)_max)) * 2 >= Side * Width;

    /// <summary>Counts of values from zero up: bin i holds i·Width ≤ x &lt; (i + 1)·Width.</summary>
    public ReadOnlySpan<long> Above => _counts.AsSpan(0, Side);

    /// <summary>Counts of values below zero, by magnitude.</summary>
    public ReadOnlySpan<long> Below => _counts.AsSpan(Side);

    /// <summary>The smallest and the largest value; a tensor that never had an element is zero.</summary>
    public TensorRange Observed => Count == 0 ? new TensorRange(0, 0) : new TensorRange(_min, _max);

    /// <summary>What a value was that has no place in a range, or null.</summary>
    public string? Fault => _hasNaN ? "NaN" : _hasInfinity ? "infinite" : null;

    /// <summary>Counts values.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        while (!values.IsEmpty)
        {
            var block = values[..Math.Min(BlockLength, values.Length)];
            values = values[block.Length..];
            var extent = ValueExtent.Of(block);
            Count += block.Length;
            Zeros += extent.Zeros;
            _hasNaN |= extent.HasNaN;
            _hasInfinity |= extent.HasInfinity;
            if (Fault is not null)
                continue;

            _min = Math.Min(_min, extent.Min);
            _max = Math.Max(_max, extent.Max);
            if (Side == 0)
                continue;

            Widen(extent.Magnitude);
            Place(block);
        }
    }

    /// <summary>
    /// The share of the values that lies outside a range that is widened to hold zero, to within what one bin at each end holds; a
    /// zero never does.
    /// </summary>
    public double ShareBeyond(TensorRange range)
    {
        ArgumentNullException.ThrowIfNull(range);
        if (Count == 0 || Side == 0)
            return 0;

        var above = Above.ToArray();
        above[0] -= Zeros;

        // A limit on a bin's very edge would leave that bin beyond it.
        var high = _max > range.Max ? Beyond(above, range.Max) : 0;
        var low = _min < range.Min ? Beyond(Below, -(double)range.Min) : 0;
        return (high + low) / Count;
    }

    /// <summary>Counts by magnitude, zeros left out: a zero is exact in every code.</summary>
    internal long[] Folded()
    {
        var folded = new long[Side];
        for (var i = 0; i < Side; i++)
            folded[i] = Above[i] + Below[i];

        folded[0] -= Zeros;
        return folded;
    }

    /// <summary>Counts from the most negative bin to the largest, zeros left out; the middle is between the two halves.</summary>
    internal long[] Signed()
    {
        var signed = new long[2 * Side];
        for (var i = 0; i < Side; i++)
        {
            signed[Side + i] = Above[i];
            signed[Side - 1 - i] = Below[i];
        }

        signed[Side] -= Zeros;
        return signed;
    }

    // A limit inside a bin takes its share of the bin: values are taken as spread evenly there.
    private double Beyond(ReadOnlySpan<long> counts, double limit)
    {
        var at = Math.Max(0, limit) / Width;
        var sum = 0.0;
        for (var i = (int)Math.Min(at, counts.Length); i < counts.Length; i++)
            sum += counts[i] * Math.Min(1, i + 1 - at);

        return sum;
    }

    private void Widen(float magnitude)
    {
        if (magnitude == 0)
            return;

        // The smallest power of two that makes it fit.
        var needed = Math.Max(LeastExponent, Math.ILogB((double)magnitude / Side) + 1);
        if (needed <= _exponent)
            return;

        if (_exponent != int.MinValue)
        {
            Merge(_counts.AsSpan(0, Side), needed - _exponent);
            Merge(_counts.AsSpan(Side), needed - _exponent);
        }

        _exponent = needed;
    }

    private static void Merge(Span<long> counts, int doublings)
    {
        for (var i = 1; i < counts.Length; i++)
        {
            var count = counts[i];
            counts[i] = 0;
            counts[doublings > 30 ? 0 : i >> doublings] += count;
        }
    }

    private void Place(ReadOnlySpan<float> values)
    {
        var toBins = (float)(1 / Width);
        var (scale, side, at) = (Vector256.Create(toBins), Vector256.Create(Side), 0);
        ref var first = ref MemoryMarshal.GetReference(values);
        for (; at <= values.Length - Vector256<float>.Count; at += Vector256<float>.Count)
        {
            // By magnitude, for a tiny negative number must not become the zero bin's by underflow; −0 + 0 is +0.
            var part = Vector256.LoadUnsafe(ref first, (nuint)at) + Vector256<float>.Zero;
            var sign = Vector256.ShiftRightArithmetic(part.AsInt32(), 31);
            var places = Vector256.ConvertToInt32(Vector256.Abs(part) * scale) + (sign & side);
            places.CopyTo(_places);
            foreach (var place in _places)
                _counts[place]++;
        }

        foreach (var value in values[at..])
            _counts[(int)(Math.Abs(value) * toBins) + (value < 0 ? Side : 0)]++;
    }
}
