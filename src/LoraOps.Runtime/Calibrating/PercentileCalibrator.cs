using LoraOps.Onnx.Quantizing;

namespace LoraOps.Runtime.Calibrating;

/// <summary>
/// Leaves out the most extreme values: of p percent kept, (100 − p)/2 at each end, or 100 − p of the magnitudes where the codes are
/// symmetric. Values are taken as spread evenly inside a bin, so a limit is off by one bin's width at most.
/// </summary>
public sealed class PercentileCalibrator : Calibrator
{
    /// <inheritdoc/>
    public override string Name => "percentile";

    /// <inheritdoc/>
    public override string Description => "a range holds a share of the values (--percentile), the most extreme are clipped";

    /// <inheritdoc/>
    public override bool NeedsCounts => true;

    /// <inheritdoc/>
    protected override TensorRange Search(TensorHistogram seen, CalibrationSettings settings)
    {
        var all = seen.Observed;
        var outside = (100 - settings.Percentile) / 100;
        var (low, high) = (0.0, 0.0);
        if (settings.Codes.IsSymmetric)
        {
            high = ValueAt(seen.Folded(), 0, seen, (1 - outside) * seen.Count);
            low = -high;
        }
        else
        {
            low = ValueAt(seen.Signed(), seen.Side, seen, outside / 2 * seen.Count);
            high = ValueAt(seen.Signed(), seen.Side, seen, (1 - (outside / 2)) * seen.Count);
        }

        // Of a tensor that is all but always zero nothing would be left.
        return low < 0 || high > 0
            ? new TensorRange((float)Math.Clamp(low, all.Min, all.Max), (float)Math.Clamp(high, all.Min, all.Max))
            : all;
    }

    // The value that so many values lie below; zeros are counted apart, at zero itself.
    private static double ValueAt(long[] counts, int middle, TensorHistogram seen, double rank)
    {
        var below = 0L;
        for (var i = 0; i < counts.Length; i++)
        {
            if (i == middle)
                below += seen.Zeros;

            if (i == middle && seen.Zeros > 0 && below >= rank)
                return 0;

            if (counts[i] > 0 && below + counts[i] >= rank)
                return (i - middle + Math.Max(0, (rank - below) / counts[i])) * seen.Width;

            below += counts[i];
        }

        return seen.Observed.Max;
    }
}
