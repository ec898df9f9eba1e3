using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Recovering;
using LoraOps.Onnx.Rounding;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Quantizing;

namespace LoraOps.Runtime.Recovering;

/// <summary>
/// Keeps a model's accuracy in int8: before ranges are known by changing the float model without changing what it computes, after that by
/// choosing codes and by correcting biases.
/// </summary>
/// <param name="chip">The chip.</param>
/// <param name="settings">What is to be done.</param>
/// <param name="data">Calibration samples.</param>
/// <param name="stages">Told about each stage.</param>
public sealed class Recovery(ChipProfile chip, RecoverySettings settings, SampleSet data, WorkStages stages)
{
    /// <summary>What has been done so far.</summary>
    public RecoveryReport Report { get; private set; } = RecoveryReport.Empty;

    /// <summary>Equalises and smooths a copy of a model; the same model if there is nothing to do.</summary>
    /// <param name="prepared">A float model whose constants are folded.</param>
    /// <param name="stop">Looked at between batches.</param>
    public OnnxModel Balance(OnnxModel prepared, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        if (!settings.Equalize && settings.Smooth is null)
            return prepared;

        var model = prepared.Clone();
        if (settings.Equalize)
        {
            stages.Begin("equalising layers", 0);
            Report = Report with { Equalized = Equalization.Apply(model, chip) };
        }

        if (settings.Smooth is { } smooth)
        {
            var values = SmoothQuant.Values(model, chip, smooth);
            stages.Begin($"smoothing {values.Count} activations", 0);
            var (smoothed, floatNodes) = SmoothQuant.Apply(model, chip, ChannelPass.Run(model, values, data, stop), smooth);
            Report = Report with { Smoothed = smoothed, FloatNodes = floatNodes };
        }

        return model;
    }

    /// <summary>Chooses codes for the scales that follow from ranges.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="ranges">Its ranges.</param>
    /// <param name="quantizing">Where it departs from the chip's profile; gets the codes.</param>
    /// <param name="stop">Looked at between batches.</param>
    public QuantizationSettings Round(
        OnnxModel model, IReadOnlyDictionary<string, TensorRange> ranges, QuantizationSettings quantizing, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(quantizing);
        if (settings.Rounding == RoundingMethod.Nearest)
            return quantizing;

        var weights = StaticQuantizer.WeightsOf(model, chip, ranges, quantizing);
        stages.Begin($"choosing codes of {weights.Count} layers", weights.Count);
        var (codes, layers) = WeightRounding.Run(model, weights, settings.Rounding, data, stages.Reach, stop);
        Report = Report with { Rounded = layers };
        return quantizing with { Codes = codes };
    }

    /// <summary>Corrects the biases of a copy of the float model; the same model if there is nothing to do.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="quantize">Quantizes it with ranges, codes and precisions that are final.</param>
    /// <param name="stop">Looked at between batches.</param>
    public OnnxModel Correct(OnnxModel model, Func<OnnxModel, Quantization> quantize, CancellationToken stop)
    {
        if (!settings.CorrectBias)
            return model;

        var (corrected, layers) = BiasCorrection.Run(model, quantize, data, (step, steps) =>
        {
            if (step == 1)
                stages.Begin("correcting biases", steps);

            stages.Reach(step);
        }, stop);
        Report = Report with { Corrected = layers };
        return corrected;
    }
}
