using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Recovering;
using LoraOps.Onnx.Rounding;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Quantizing;

namespace LoraOps.Runtime.Recovering;

/// <summary>
/// Keeps a model's accuracy in int8: before ranges are known by changing the float model without changing what it computes, after that by
/// choosing codes and by correcting biases.
/// </summary>
public sealed class Recovery
{
    private readonly ChipProfile _chip;
    private readonly RecoverySettings _settings;
    private readonly SampleSet? _data;
    private readonly WorkStages _stages;
    private IReadOnlyList<LayerWeight> _weights = [];

    private Recovery(QuantizationRequest request, WorkStages stages) =>
        (_chip, _settings, _data, _stages) = (request.Chip, request.Recovery, request.Calibration, stages);

    /// <summary>What has been done so far.</summary>
    public RecoveryReport Report { get; private set; } = RecoveryReport.Empty;

    /// <summary>What a request asks for.</summary>
    /// <param name="prepared">The float model, for messages.</param>
    /// <param name="request">The request.</param>
    /// <param name="stages">Told about each stage.</param>
    /// <exception cref="LoraOpsException">It needs samples that are not there, or the ranges are those of the model as it was before.</exception>
    public static Recovery For(OnnxModel prepared, QuantizationRequest request, WorkStages stages)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        ArgumentNullException.ThrowIfNull(request);
        var settings = request.Recovery;
        if (request.Calibrating.Ranges is not null && (settings.Equalize || settings.Smooth is not null))
            throw new LoraOpsException(RecoveringProblems.Impossible(
                prepared.Path, "smoothing and equalising change the ranges of activations, those of a file are from before"));

        return request.Calibration is not null || settings is { Smooth: null, CorrectBias: false, Rounding: RoundingMethod.Nearest }
            ? new Recovery(request, stages)
            : throw new LoraOpsException(RecoveringProblems.Impossible(
                prepared.Path, "smoothing, rounding on data and correcting biases need samples, ranges alone do not do"));
    }

    /// <summary>Equalises and smooths a copy of a model; the same model if there is nothing to do.</summary>
    /// <param name="prepared">A float model whose constants are folded.</param>
    /// <param name="stop">Looked at between batches.</param>
    public OnnxModel Balance(OnnxModel prepared, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        if (!_settings.Equalize && _settings.Smooth is null)
            return prepared;

        var model = prepared.Clone();
        if (_settings.Equalize)
        {
            _stages.Begin("equalising layers", 0);
            Report = Report with { Equalized = Equalization.Apply(model, _chip) };
        }

        if (_settings.Smooth is { } smooth)
        {
            var values = SmoothQuant.Values(model, _chip, smooth);
            _stages.Begin($"smoothing {values.Count} activations", 0);
            var (smoothed, floatNodes) = SmoothQuant.Apply(model, _chip, ChannelPass.Run(model, values, Data, stop), smooth);
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
        if (_settings.Rounding == RoundingMethod.Nearest)
            return quantizing;

        var weights = StaticQuantizer.WeightsOf(model, _chip, ranges, quantizing);
        _stages.Begin($"choosing codes of {weights.Count} layers", weights.Count);
        var (codes, layers) = WeightRounding.Run(model, weights, _settings.Rounding, Data, _stages.Reach, stop);
        Report = Report with { Rounded = layers };
        _weights = weights;
        return quantizing with { Codes = codes };
    }

    /// <summary>Keeps nodes that were put in out of what the chip quantizes.</summary>
    public QuantizationSettings KeepFloat(OnnxModel model, QuantizationSettings quantizing)
    {
        ArgumentNullException.ThrowIfNull(quantizing);
        if (Report.FloatNodes.Count == 0)
            return quantizing;

        var known = StaticQuantizer.QuantizedNodes(model, _chip);
        var precisions = new Dictionary<string, LayerPrecision>(quantizing.Precisions, StringComparer.Ordinal);
        foreach (var node in Report.FloatNodes.Where(known.Contains))
            precisions[node] = LayerPrecision.Float;

        return quantizing with { Precisions = precisions };
    }

    /// <summary>Drops codes of layers whose scales have changed since they were chosen, because their precision was lifted.</summary>
    public QuantizationSettings WithoutStale(
        OnnxModel model, IReadOnlyDictionary<string, TensorRange> ranges, QuantizationSettings quantizing)
    {
        ArgumentNullException.ThrowIfNull(quantizing);
        if (quantizing.Codes.Count == 0)
            return quantizing;

        var now = StaticQuantizer.WeightsOf(model, _chip, ranges, quantizing)
            .ToDictionary(weight => weight.Node.Name, weight => weight.Scales, StringComparer.Ordinal);
        var kept = _weights.Where(weight => now.TryGetValue(weight.Node.Name, out var scales) && scales.SequenceEqual(weight.Scales))
            .Select(weight => weight.Node.Name).ToHashSet(StringComparer.Ordinal);
        Report = Report with { Rounded = [.. Report.Rounded.Where(layer => kept.Contains(layer.Node))] };
        return quantizing with
        {
            Codes = quantizing.Codes.Where(pair => kept.Contains(pair.Key)).ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal),
        };
    }

    /// <summary>Corrects the biases of a copy of the float model; the same model if there is nothing to do.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="quantize">Quantizes it with ranges, codes and precisions that are final.</param>
    /// <param name="stop">Looked at between batches.</param>
    public OnnxModel Correct(OnnxModel model, Func<OnnxModel, Quantization> quantize, CancellationToken stop)
    {
        if (!_settings.CorrectBias)
            return model;

        var (corrected, layers) = BiasCorrection.Run(model, quantize, Data, (step, steps) =>
        {
            if (step == 1)
                _stages.Begin("correcting biases", steps);

            _stages.Reach(step);
        }, stop);
        Report = Report with { Corrected = layers };
        return corrected;
    }

    private SampleSet Data => _data ?? throw new InvalidOperationException("Nobody checked that there are samples.");
}
