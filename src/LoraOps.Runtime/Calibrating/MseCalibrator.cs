using LoraOps.Onnx.Quantizing;

namespace LoraOps.Runtime.Calibrating;

/// <summary>
/// The range with the least expected squared error of quantization, rounding inside and clipping outside weighed against each other for the
/// very codes of the chip: both ends are drawn in together on a grid, then each end by itself in ever smaller steps. By construction
/// the error is never larger than that of the whole range.
/// </summary>
public sealed class MseCalibrator : Calibrator
{
    private const int GridSteps = 96;
    private const double NarrowestShare = 0.04;
    private const int Refinements = 5;

    /// <inheritdoc/>
    public override string Name => "mse";

    /// <inheritdoc/>
    public override string Description => "a range with the least squared error of rounding and clipping, by search";

    /// <inheritdoc/>
    public override bool NeedsCounts => true;

    /// <inheritdoc/>
    protected override TensorRange Search(TensorHistogram seen, CalibrationSettings settings)
    {
        var all = seen.Observed;
        var error = new ExpectedError(seen, settings.Codes);
        var (low, high) = (Math.Min(0.0, all.Min), Math.Max(0.0, all.Max));
        var best = new Choice(low, high, error.Of(low, high));
        for (var step = 1; step < GridSteps; step++)
        {
            var share = 1 - ((1 - NarrowestShare) * step / GridSteps);
            best = best.Or(low * share, high * share, error);
        }

        // The codes decide by the larger magnitude where they are symmetric: the other end would move nothing.
        if (!settings.Codes.IsSymmetric)
            best = Refined(best, new Choice(low, high, 0), error);

        return best.Low == low && best.High == high
            ? all
            : new TensorRange((float)Math.Clamp(best.Low, all.Min, all.Max), (float)Math.Clamp(best.High, all.Min, all.Max));
    }

    private static Choice Refined(Choice best, Choice all, ExpectedError error)
    {
        var step = 0.16;
        for (var round = 0; round < Refinements; round++, step /= 2)
        {
            foreach (var (down, up) in new[] { (step, 0.0), (-step, 0.0), (0.0, step), (0.0, -step) })
            {
                for (var moves = 0; moves < 4; moves++)
                {
                    var before = best;
                    var low = Math.Max(all.Low, best.Low + (down * all.Low));
                    var high = Math.Min(all.High, best.High + (up * all.High));
                    best = best.Or(Math.Min(0, low), Math.Max(0, high), error);
                    if (best == before)
                        break;
                }
            }
        }

        return best;
    }

    private readonly record struct Choice(double Low, double High, double Error)
    {
        // Of equals the wider, which was there first.
        public Choice Or(double low, double high, ExpectedError error) =>
            low < high && error.Of(low, high) is var found && found < Error ? new Choice(low, high, found) : this;
    }
}
