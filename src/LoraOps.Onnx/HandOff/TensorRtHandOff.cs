using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Onnx.HandOff;

/// <summary>
/// TensorRT's calibration cache, for devices whose TensorRT has implicit quantization only (the DLA): it belongs to the float
/// model and holds a range for each of its activations.
/// </summary>
public sealed class TensorRtHandOff : HandOffWriter
{
    // The last classic release that has the DLA.
    private const string Version = "10.7.0";

    // trtexec reads its caches as this calibrator, whichever one found the ranges.
    private const string Calibrator = "EntropyCalibration2";

    /// <inheritdoc/>
    public override string Name => "tensorrt-cache";

    /// <inheritdoc/>
    public override IReadOnlyList<string> TensorsWanted(OnnxModel prepared, ChipProfile chip) => ActivationTensors.Of(prepared);

    /// <inheritdoc/>
    public override IReadOnlyList<HandOffFile> Files(HandOffNames names) =>
        [new(names.Cache, "TensorRT's calibration cache: the scale of every activation of the float model")];

    /// <inheritdoc/>
    public override void Write(HandOffModel model, string folder)
    {
        var header = TensorRtCache.HeaderOf(
            model.Chip.Target.GetValueOrDefault("tensorrt", Version), model.Chip.Target.GetValueOrDefault("calibrator", Calibrator));
        var tensors = ActivationTensors.Of(model.Request.Prepared);
        var problems = tensors.Where(tensor => tensor.AsSpan().ContainsAny('\n', '\r'))
            .Select(tensor => HandOffProblems.NameUnusable(model.Request.Prepared.Path, tensor, model.Names.Cache, "it has a line break"))
            .ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        var cache = new TensorRtCache(header, [.. tensors.Select(tensor => new TensorRtScale(tensor, TensorRtCache.ScaleOf(model.RangeOf(tensor))))]);
        HandOffText.Write(Path.Combine(folder, model.Names.Cache), cache.Render());
        model.Note($"The cache begins with {header}: TensorRT reads it in that version only and calibrates anew in any other. "
            + "The profile's target names the version as 'tensorrt'.");
        if (model.Layers.Any(layer => !layer.IsQuantized))
            model.Note("The cache cannot say that a layer is not INT8; the command's --layerPrecisions does.");
    }
}
