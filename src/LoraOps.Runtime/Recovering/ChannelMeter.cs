using LoraOps.Onnx.Recovering;

namespace LoraOps.Runtime.Recovering;

/// <summary>Least, most, mean and mean square of each channel; added one after another, so that batches change nothing.</summary>
internal sealed class ChannelMeter(ChannelAxis axis)
{
    private float[] _min = [];
    private float[] _max = [];
    private double[] _sum = [];
    private double[] _squares = [];
    private long _count;

    /// <summary>What was seen.</summary>
    public ChannelStatistics Result => new(
        _count > 0 ? _min : new float[_min.Length],
        _count > 0 ? _max : new float[_max.Length],
        [.. _sum.Select(sum => sum / Math.Max(1, _count))],
        [.. _squares.Select(sum => sum / Math.Max(1, _count))]);

    /// <summary>Adds a batch.</summary>
    public void Add(ReadOnlySpan<float> values, ReadOnlySpan<long> dims)
    {
        var at = axis == ChannelAxis.Last ? dims.Length - 1 : 1;
        var channels = (int)dims[at];
        var run = 1;
        foreach (var dim in dims[(at + 1)..])
            run *= (int)dim;

        if (_min.Length == 0)
        {
            (_min, _max, _sum, _squares) = (new float[channels], new float[channels], new double[channels], new double[channels]);
            Array.Fill(_min, float.PositiveInfinity);
            Array.Fill(_max, float.NegativeInfinity);
        }

        for (var i = 0; i < values.Length; i++)
        {
            var (value, channel) = (values[i], i / run % channels);
            _min[channel] = Math.Min(_min[channel], value);
            _max[channel] = Math.Max(_max[channel], value);
            _sum[channel] += value;
            _squares[channel] += (double)value * value;
        }

        _count += channels == 0 ? 0 : values.Length / channels;
    }
}
