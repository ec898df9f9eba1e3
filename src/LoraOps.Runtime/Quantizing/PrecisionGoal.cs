using LoraOps.Onnx.Chips;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;

namespace LoraOps.Runtime.Quantizing;

/// <summary>What a quantized model must reach, whatever precision that takes.</summary>
/// <param name="Gates">The limits; none to rank the layers only.</param>
/// <param name="Samples">What it is measured on, with the labels if a gate needs them.</param>
public sealed record PrecisionGoal(IReadOnlyList<Gate> Gates, SampleSet Samples)
{
    private const int ProfileSamples = 64;

    /// <summary>A file with a tensor <c>labels</c>; null takes the one among the samples if there is one.</summary>
    public SampleSet? Labels { get; init; }

    /// <summary>Ranks every layer, also where the gates pass without.</summary>
    public bool RanksAll { get; init; }

    /// <summary>The most samples that the layers are ranked on; the gates are judged on all.</summary>
    public int ScanSamples { get; init; } = 64;

    /// <summary>What a chip's profile asks for, or null if it asks for nothing.</summary>
    /// <param name="chip">The chip.</param>
    /// <param name="samples">The calibration samples; some of them are enough.</param>
    public static PrecisionGoal? Of(ChipProfile chip, SampleSet samples)
    {
        ArgumentNullException.ThrowIfNull(samples);
        return chip.Until.Count == 0 ? null : new PrecisionGoal([.. chip.Until.Select(Gate.Parse)], samples.First(ProfileSamples));
    }
}
