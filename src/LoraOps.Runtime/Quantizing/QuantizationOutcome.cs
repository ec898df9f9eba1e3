using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Quantizing;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Recovering;

namespace LoraOps.Runtime.Quantizing;

/// <summary>A quantized model and what it was made from.</summary>
/// <param name="Quantization">The quantized model, and what became of each layer.</param>
/// <param name="Prepared">The float model that was quantized: constants folded, recovered where that was asked for.</param>
/// <param name="Ranges">The range of each calibrated tensor of <paramref name="Prepared"/>; empty where the scheme needs none.</param>
public sealed record QuantizationOutcome(
    Quantization Quantization, OnnxModel Prepared, IReadOnlyDictionary<string, TensorRange> Ranges)
{
    /// <summary>How the ranges came about; null where the scheme needs none.</summary>
    public CalibratedRanges? Calibrated { get; init; }

    /// <summary>What was done to keep the accuracy.</summary>
    public RecoveryReport Recovery { get; init; } = RecoveryReport.Empty;

    /// <summary>What the files that the chip's compiler takes beside the model are made from.</summary>
    /// <param name="request">What was wanted.</param>
    /// <param name="model">What the quantized model's file is called, without a folder.</param>
    public HandOffRequest HandOff(QuantizationRequest request, string model)
    {
        ArgumentNullException.ThrowIfNull(request);
        return new HandOffRequest
        {
            Chip = request.Chip,
            Prepared = Prepared,
            Quantization = Quantization,
            Ranges = Ranges,
            Model = model,
            Samples = request.Calibration,
            Calibrator = request.Calibrating.Settings.Calibrator.Name,
            Percentile = request.Calibrating.Settings.Percentile,
        };
    }

    /// <summary>The same outcome with what the chip's rules say about its hand-off files.</summary>
    public QuantizationOutcome With(HandOffResult handOff)
    {
        ArgumentNullException.ThrowIfNull(handOff);
        return this with
        {
            Quantization = Quantization with
            {
                Findings = [.. Quantization.Findings, .. handOff.Findings],
                NotChecked = [.. Quantization.NotChecked.Where(rule => !handOff.Checked.Contains(rule.RuleId))],
            },
        };
    }

    /// <summary>Which layers were lifted so that gates pass, and why; null if nothing was to be reached.</summary>
    public PrecisionChoice? Choice { get; init; }
}
