namespace LoraOps.Runtime.Calibrating;

/// <summary>
/// The divergence of a clipped and quantized distribution from what was seen, for any clipping, in time that grows with the levels and
/// not with the bins: within a level the quantized distribution is flat over the bins that are not empty, so sums from the beginning tell all.
/// </summary>
internal sealed class DivergenceSearch
{
    // What a bin that quantization leaves empty is given, so that the divergence stays finite: onnxruntime's quantizer does the same.
    private const double Smallest = 1e-4;

    private readonly long[] _counts;
    private readonly long[] _mass;
    private readonly int[] _filled;
    private readonly double[] _entropy;
    private readonly int _levels;

    /// <param name="counts">How often each bin was hit.</param>
    /// <param name="levels">How many levels a range is quantized to.</param>
    public DivergenceSearch(long[] counts, int levels)
    {
        _counts = counts;
        _levels = levels;
        _mass = new long[counts.Length + 1];
        _filled = new int[counts.Length + 1];
        _entropy = new double[counts.Length + 1];
        for (var i = 0; i < counts.Length; i++)
        {
            _mass[i + 1] = _mass[i] + counts[i];
            _filled[i + 1] = _filled[i] + (counts[i] > 0 ? 1 : 0);
            _entropy[i + 1] = _entropy[i] + Weighted(counts[i]);
        }

        First = Math.Max(0, Array.FindIndex(counts, count => count > 0));
        End = Array.FindLastIndex(counts, count => count > 0) + 1;
    }

    /// <summary>The first bin that is not empty.</summary>
    public int First { get; }

    /// <summary>Behind the last bin that is not empty.</summary>
    public int End { get; }

    /// <summary>The divergence in nats of the range from bin <paramref name="low"/> to before bin <paramref name="high"/>.</summary>
    public double Divergence(int low, int high)
    {
        var (all, inside) = (_mass[^1], _mass[high] - _mass[low]);
        if (inside == 0)
            return double.PositiveInfinity;

        // Σ P·log P − Σ P·log Q, of counts; that they are no shares is made good at the end.
        var sum = _entropy[high] - _entropy[low];
        for (var level = 0; level < _levels; level++)
        {
            var from = low + (int)((long)level * (high - low) / _levels);
            var to = low + (int)((level + 1L) * (high - low) / _levels);
            sum -= Flat(from, to);
        }

        sum += AtEnd(low, low, high, _mass[low]) + AtEnd(high - 1, low, high, all - _mass[high]);
        return (sum / all) - Math.Log(all) + Math.Log(inside);
    }

    private double Flat(int from, int to)
    {
        var mass = _mass[to] - _mass[from];
        return mass == 0 ? 0 : mass * Math.Log((double)mass / (_filled[to] - _filled[from]));
    }

    // What is clipped is added to P at the end of the range, and not to Q.
    private double AtEnd(int bin, int low, int high, long clipped)
    {
        if (clipped == 0)
            return 0;

        var quantized = Smallest;
        if (_counts[bin] > 0)
        {
            // The level that holds the bin.
            var level = bin == low ? 0 : _levels - 1L;
            var (from, to) = (low + (int)(level * (high - low) / _levels), low + (int)((level + 1) * (high - low) / _levels));
            quantized = (double)(_mass[to] - _mass[from]) / (_filled[to] - _filled[from]);
        }

        return Weighted(_counts[bin] + clipped) - Weighted(_counts[bin]) - (clipped * Math.Log(quantized));
    }

    private static double Weighted(long count) => count == 0 ? 0 : count * Math.Log(count);
}
