using System.Runtime.Intrinsics;

namespace LoraOps.Runtime.Calibrating;

/// <summary>The squared error that values of a distribution have after quantization to a range, in float64, summed in one fixed order.</summary>
internal sealed class ExpectedError
{
    private readonly double[] _centres;
    private readonly double[] _counts;
    private readonly CodeLevels _codes;
    private readonly double _width;

    /// <param name="seen">The distribution; a bin stands for its centre.</param>
    /// <param name="codes">The codes that a range is spread over.</param>
    public ExpectedError(TensorHistogram seen, CodeLevels codes)
    {
        _codes = codes;
        _width = seen.Width;
        var signed = seen.Signed();
        var filled = Enumerable.Range(0, signed.Length).Where(bin => signed[bin] > 0).ToArray();
        var lanes = Vector256<double>.Count;
        var length = (filled.Length + lanes - 1) / lanes * lanes;
        (_centres, _counts) = (new double[length], new double[length]);
        for (var i = 0; i < filled.Length; i++)
        {
            _centres[i] = Math.Clamp((filled[i] - seen.Side + 0.5) * _width, seen.Observed.Min, seen.Observed.Max);
            _counts[i] = signed[filled[i]];
        }
    }

    /// <summary>The sum of squared errors of a range that holds zero; infinite for one that holds nothing else.</summary>
    public double Of(double low, double high)
    {
        var magnitude = Math.Max(-low, high);
        var scale = (_codes.IsSymmetric ? 2 * magnitude : high - low) / (_codes.Count - 1);
        if (scale <= 0)
            return double.PositiveInfinity;

        var zero = _codes.IsSymmetric ? _codes.Count / 2 : Math.Round(-low / scale, MidpointRounding.ToEven);

        // Where codes lie as dense as bins, a centre's own place between two codes means nothing: the mean of all places stands for it.
        return scale < 2 * _width ? Dense(scale, -zero * scale, (_codes.Count - 1 - zero) * scale) : Sparse(scale, -zero, _codes.Count - 1 - zero);
    }

    private double Sparse(double scale, double lowest, double highest)
    {
        var (step, least, most) = (Vector256.Create(scale), Vector256.Create(lowest), Vector256.Create(highest));
        var sum = Vector256<double>.Zero;
        for (var i = 0; i < _centres.Length; i += Vector256<double>.Count)
        {
            var centre = Vector256.LoadUnsafe(ref _centres[i]);
            var code = Vector256.Min(most, Vector256.Max(least, Vector256.Round(centre / step)));
            var error = (code * step) - centre;
            sum += error * error * Vector256.LoadUnsafe(ref _counts[i]);
        }

        return sum[0] + sum[1] + sum[2] + sum[3];
    }

    private double Dense(double scale, double lowest, double highest)
    {
        var sum = 0.0;
        for (var i = 0; i < _centres.Length; i++)
        {
            var beyond = _centres[i] - Math.Clamp(_centres[i], lowest, highest);
            sum += _counts[i] * ((beyond * beyond) + (beyond == 0 ? scale * scale / 12 : 0));
        }

        return sum;
    }
}
