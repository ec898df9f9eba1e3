using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;

namespace LoraOps.Runtime.Quantizing;

/// <summary>What a quantized model must reach, whatever precision that takes.</summary>
/// <param name="Gates">The limits; none to rank the layers only.</param>
/// <param name="Samples">What it is measured on, with the labels if a gate needs them.</param>
public sealed record PrecisionGoal(IReadOnlyList<Gate> Gates, SampleSet Samples)
{
    /// <summary>A file with a tensor <c>labels</c>; null takes the one among the samples if there is one.</summary>
    public SampleSet? Labels { get; init; }

    /// <summary>Ranks every layer, also where the gates pass without.</summary>
    public bool RanksAll { get; init; }

    /// <summary>The most samples that the layers are ranked on; the gates are judged on all.</summary>
    public int ScanSamples { get; init; } = 64;
}
