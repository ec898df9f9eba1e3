using LoraOps.Onnx.Recovering;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Recovering;

/// <summary>
/// How far a layer's output is moved in the mean of each channel, and how sure that is: each sample's mean is one observation. What the
/// samples do not show beyond their own scatter is shrunk away (James and Stein's positive part), so that noise is not corrected.
/// </summary>
internal sealed class ShiftMeter(ChannelAxis axis)
{
    private double[] _sum = [];
    private double[] _squares = [];
    private long _count;

    /// <summary>Adds a batch: what should be, and what is.</summary>
    public void Add(OutputBlock wanted, OutputBlock given)
    {
        var dims = wanted.Shape.Dims;
        var at = axis == ChannelAxis.Last ? dims.Length - 1 : 1;
        var (channels, run) = ((int)dims[at], 1);
        foreach (var dim in dims[(at + 1)..])
            run *= (int)dim;

        if (_sum.Length == 0)
            (_sum, _squares) = (new double[channels], new double[channels]);

        var samples = dims.Length > 1 ? (int)dims[0] : 1;
        var size = samples == 0 ? 0 : wanted.Values.Length / samples;
        var means = new double[channels];
        for (var sample = 0; sample < samples; sample++)
        {
            Array.Clear(means);
            for (var i = sample * size; i < (sample + 1) * size; i++)
                means[i / run % channels] += (double)given.Values[i] - wanted.Values[i];

            for (var channel = 0; channel < channels; channel++)
            {
                var mean = means[channel] * channels / size;
                _sum[channel] += mean;
                _squares[channel] += mean * mean;
            }
        }

        _count += samples;
    }

    /// <summary>What is to be added to each channel.</summary>
    public double[] Correction()
    {
        var correction = new double[_sum.Length];
        for (var channel = 0; channel < correction.Length && _count > 1; channel++)
        {
            var mean = _sum[channel] / _count;
            var scatter = Math.Max(0, (_squares[channel] / _count) - (mean * mean)) / (_count - 1);
            correction[channel] = mean == 0 ? 0 : -mean * Math.Max(0, 1 - (scatter / (mean * mean)));
        }

        return correction;
    }
}
