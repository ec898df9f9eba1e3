using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Preparing;

namespace LoraOps.Runtime.Quantizing;

/// <summary>The road from a float model to a quantized one: prepare, calibrate, quantize, check by the chip's rules.</summary>
public static class QuantizationRun
{
    /// <summary>Quantizes a copy of the model.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="stages">Told about each stage.</param>
    /// <param name="stop">Looked at between two stages and two batches.</param>
    /// <exception cref="LoraOps.Problems.LoraOpsException">The model, the data or the result is not as it must be.</exception>
    /// <exception cref="OperationCanceledException">The caller wants to stop.</exception>
    public static QuantizationOutcome Run(OnnxModel model, QuantizationRequest request, WorkStages stages, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(stages);
        stages.Begin("preparing the model", 0);
        var prepared = GraphPreparation.Prepare(model);
        var ranges = Ranges(prepared, request, stages, stop);
        stages.Begin("quantizing", 0);
        var quantization = StaticQuantizer.Quantize(prepared, request.Chip, ranges);
        stop.ThrowIfCancellationRequested();
        return new QuantizationOutcome(quantization, prepared, ranges);
    }

    private static IReadOnlyDictionary<string, TensorRange> Ranges(
        OnnxModel prepared, QuantizationRequest request, WorkStages stages, CancellationToken stop)
    {
        var data = request.Calibration ?? throw new ArgumentException("Static quantization needs calibration samples.", nameof(request));
        var tensors = StaticQuantizer.TensorsToCalibrate(prepared, request.Chip);
        stages.Begin($"calibrating {tensors.Count} tensors on {data.Count} samples", 0);
        return MinMaxCalibrator.Calibrate(prepared, tensors, data, stop);
    }
}
