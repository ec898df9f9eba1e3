using System.Globalization;
using LoraOps.Onnx.Layers;
using LoraOps.Runtime.Parity;

namespace LoraOps.Runtime.Layers;

/// <summary>One layer of the float model and what stands for it in the candidate.</summary>
/// <param name="Reference">The layer.</param>
/// <param name="Candidate">What stands for it; null if nothing was found.</param>
internal sealed record MeasuredLayer(LayerWeight Reference, LayerWeight? Candidate)
{
    // Limits of the house: a weight below 25 dB or an activation below 20 dB is a defect, a little above it is worth a look.
    private const double GoodWeight = 30;
    private const double BadWeight = 25;
    private const double GoodActivation = 27;
    private const double BadActivation = 20;
    private const double OutlierPeak = 60;

    /// <summary>SQNR of the weight.</summary>
    public double? WeightSqnr { get; init; }

    /// <summary>What the candidate multiplies the weight with.</summary>
    public LayerInput? Input { get; init; }

    /// <summary>The candidate's tensor with the layer's output; null if there is none.</summary>
    public string? Output { get; init; }

    /// <summary>Compares outputs.</summary>
    public ErrorMeter Errors { get; } = new();

    /// <summary>What was measured.</summary>
    /// <param name="input">The meter of <see cref="Input"/>, which several layers may share.</param>
    public LayerReport Report(InputMeter? input)
    {
        var (min, max) = input?.Range ?? (0, 0);
        var report = new LayerReport
        {
            Node = Reference.Name,
            Op = Reference.Node.OpType,
            Precision = Precision(),
            WeightSqnr = WeightSqnr,
            ActivationSqnr = input?.Sqnr,
            OutputSqnr = Errors.Sqnr,
            RangeMin = min,
            RangeMax = max,
            ClipShare = input?.ClipShare ?? 0,
            PeakToRms = input?.PeakToRms,
            ValueHistogram = input?.Values,
            ErrorHistogram = Errors.Errors,
        };
        return report with { Warnings = [.. Warnings(report)] };
    }

    private string Precision() => Candidate is null ? "unknown"
        : !Candidate.IsQuantized ? Candidate.Precision
        : Input is { IsDynamic: true } ? $"{Candidate.Precision} dynamic"
        : Input is not { Bits: > 0 } ? $"{Candidate.Precision} weight"
        : Input.Bits == 16 && !Candidate.Precision.EndsWith("16", StringComparison.Ordinal) ? $"{Candidate.Precision}, 16-bit input"
        : Candidate.Precision;

    private IEnumerable<string> Warnings(LayerReport report)
    {
        if (Candidate is null)
            yield return "nothing in the candidate stands for this layer";

        if (report.WeightSqnr is < GoodWeight)
            yield return Text(report.WeightSqnr < BadWeight ? "weight far below" : "weight below", report.WeightSqnr.Value, GoodWeight);

        if (report.ActivationSqnr is < GoodActivation)
            yield return Text(report.ActivationSqnr < BadActivation ? "input far below" : "input below", report.ActivationSqnr.Value, GoodActivation);

        if (report.PeakToRms is > OutlierPeak)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture, $"outliers: peak/rms is {report.PeakToRms:F0}, so that no symmetric INT8 input reaches a cosine of 0.99");
        }
    }

    private static string Text(string what, double found, double wanted) =>
        string.Create(CultureInfo.InvariantCulture, $"{what} {wanted:F0} dB: {found:F1} dB");
}
