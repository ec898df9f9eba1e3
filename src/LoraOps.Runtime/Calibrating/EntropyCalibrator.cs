using LoraOps.Onnx.Quantizing;

namespace LoraOps.Runtime.Calibrating;

/// <summary>
/// The range whose codes tell most about the values: of all clipped ranges the one whose quantized distribution has the least
/// Kullback-Leibler divergence from the observed one (S. Migacz, 8-bit inference with TensorRT, GTC 2017). The search is over every limit
/// that is a bin's edge (at most <see cref="MostCandidates"/>), in float64, with 128 levels of magnitude where the codes are symmetric, else 255 levels
/// over both sides; what is clipped is counted at the end where it is clipped.
/// </summary>
public sealed class EntropyCalibrator : Calibrator
{
    private const int MostCandidates = 2048;

    /// <inheritdoc/>
    public override string Name => "entropy";

    /// <inheritdoc/>
    public override string Description => "a range whose codes have the least divergence from what was seen, by search";

    /// <inheritdoc/>
    public override bool NeedsCounts => true;

    /// <inheritdoc/>
    protected override TensorRange Search(TensorHistogram seen, CalibrationSettings settings)
    {
        var isSymmetric = settings.Codes.IsSymmetric;
        var levels = isSymmetric ? (settings.Codes.Count + 1) / 2 : (settings.Codes.Count - 1) | 1;
        var counts = isSymmetric ? seen.Folded() : seen.Signed();
        var middle = isSymmetric ? 0 : seen.Side;
        var search = new DivergenceSearch(counts, levels);
        var widest = Math.Max(middle - search.First, search.End - middle);
        var step = 1 + (widest / MostCandidates);
        var (best, least) = (widest, double.PositiveInfinity);

        // From the widest down, so that of equals the one that clips least is taken.
        for (var reach = widest; reach > 0; reach -= step)
        {
            var (low, high) = (Math.Max(search.First, middle - reach), Math.Min(search.End, middle + reach));
            if (high - low < levels)
                break;

            var divergence = search.Divergence(low, high);
            if (divergence < least)
                (best, least) = (reach, divergence);
        }

        var limit = best * seen.Width;
        var all = seen.Observed;
        return best == widest ? all : new TensorRange((float)Math.Clamp(-limit, all.Min, all.Max), (float)Math.Clamp(limit, all.Min, all.Max));
    }
}
