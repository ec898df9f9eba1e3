using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Calibrating;

/// <summary>
/// The smallest and the largest value of all samples, or a moving average of each sample's (<see cref="CalibrationSettings.MovingAverage"/>).
/// </summary>
public sealed class MinMaxCalibrator : Calibrator
{
    /// <inheritdoc/>
    public override string Name => "minmax";

    /// <inheritdoc/>
    public override string Description => "a range holds every value that was seen";

    /// <inheritdoc/>
    public override bool NeedsCounts => false;

    /// <summary>The extremes of some tensors over all samples: <see cref="Calibration.Run"/> with its defaults.</summary>
    /// <inheritdoc cref="Calibration.Run"/>
    public static IReadOnlyDictionary<string, TensorRange> Calibrate(
        OnnxModel model, IReadOnlyList<string> tensors, SampleSet data, CancellationToken stop) =>
        Calibration.Run(model, tensors, data, new CalibrationSettings(), null, stop).Ranges;

    /// <inheritdoc/>
    protected override TensorRange Search(TensorHistogram seen, CalibrationSettings settings) => seen.Observed;
}
