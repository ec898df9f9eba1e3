using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Surviving;

namespace LoraOps.Runtime.Layers;

/// <summary>Gathers what one quantization does to a tensor: its error, what it clips, and how the values lie; in float64, in order.</summary>
/// <param name="input">The tensor and its quantization.</param>
internal sealed class InputMeter(LayerInput input)
{
    private readonly GrowingHistogram _values = new();
    private readonly DeltaSums _sums = new();
    private double _min = double.PositiveInfinity;
    private double _max = double.NegativeInfinity;
    private double _squares;
    private long _count;
    private long _clipped;

    /// <summary>SQNR in dB; null in float.</summary>
    public double? Sqnr => input.Bits == 0 ? null : _sums.Sqnr;

    /// <summary>The share of values beyond the range, 0…1.</summary>
    public double ClipShare => _count == 0 ? 0 : (double)_clipped / _count;

    /// <summary>max|x| / rms(x); null if all is zero.</summary>
    public double? PeakToRms => _squares == 0 ? null : Math.Max(-_min, _max) / Math.Sqrt(_squares / _count);

    /// <summary>The smallest and largest value that a code stands for; without fixed codes those that were seen.</summary>
    public (double Min, double Max) Range => input.Scale == 0
        ? _count == 0 ? (0, 0) : (_min, _max)
        : ((input.Low - input.Zero) * (double)input.Scale, (input.High - input.Zero) * (double)input.Scale);

    /// <summary>The values.</summary>
    public Histogram? Values => _values.Result();

    /// <summary>Adds the values of a batch.</summary>
    public void Add(ReadOnlySpan<float> values)
    {
        var (scale, zero) = input.IsDynamic ? Dynamic(values) : (input.Scale, input.Zero);
        _count += values.Length;
        foreach (var value in values)
        {
            _min = Math.Min(_min, value);
            _max = Math.Max(_max, value);
            _squares += (double)value * value;
            _values.Add(value);
            if (scale == 0)
                continue;

            var code = Math.Round(value / (double)scale, MidpointRounding.ToEven) + zero;
            _clipped += code < input.Low || code > input.High ? 1 : 0;
            _sums.Add((Math.Clamp(code, input.Low, input.High) - zero) * (double)scale, value);
        }
    }

    // ONNX, DynamicQuantizeLinear: uint8 over the batch's range and zero.
    private static (float Scale, int Zero) Dynamic(ReadOnlySpan<float> values)
    {
        var (min, max) = (0f, 0f);
        foreach (var value in values)
        {
            min = Math.Min(min, value);
            max = Math.Max(max, value);
        }

        var scale = (max - min) / byte.MaxValue;
        return scale == 0 ? (0, 0) : (scale, (int)Math.Clamp(Math.Round(-min / scale, MidpointRounding.ToEven), 0, byte.MaxValue));
    }
}
