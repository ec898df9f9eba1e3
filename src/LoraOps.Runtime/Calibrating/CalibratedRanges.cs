using LoraOps.Onnx.Quantizing;
using LoraOps.Runtime.Quantizing;

namespace LoraOps.Runtime.Calibrating;

/// <summary>A tensor and its range.</summary>
/// <param name="Name">Its name in the model.</param>
/// <param name="Range">What the calibrator chose.</param>
/// <param name="Observed">The smallest and the largest value that it took.</param>
public sealed record CalibratedTensor(string Name, TensorRange Range, TensorRange Observed)
{
    /// <summary>How often it took which values; null where the range comes from a file.</summary>
    internal TensorHistogram? Seen { get; init; }
}

/// <summary>The ranges of a model's tensors.</summary>
/// <param name="Tensors">In the order that they were asked for.</param>
/// <param name="Samples">How many samples they come from.</param>
public sealed record CalibratedRanges(IReadOnlyList<CalibratedTensor> Tensors, int Samples)
{
    /// <summary>How many of them come from a file and were not measured.</summary>
    public int TakenOver { get; init; }

    /// <summary>How far measured tensors left the ranges of the base, where its file was given.</summary>
    public IReadOnlyList<RangeDrift> Drifts { get; init; } = [];

    /// <summary>What each adapter loses where several share the ranges; empty if there was one model only.</summary>
    public IReadOnlyList<SharedRangeCost> Costs { get; init; } = [];

    /// <summary>The chosen ranges by tensor, as the quantizer wants them.</summary>
    public IReadOnlyDictionary<string, TensorRange> Ranges { get; } =
        Tensors.ToDictionary(tensor => tensor.Name, tensor => tensor.Range, StringComparer.Ordinal);
}
