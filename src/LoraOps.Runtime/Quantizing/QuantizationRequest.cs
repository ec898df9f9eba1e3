using LoraOps.Onnx.Chips;
using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Quantizing;

/// <summary>What a float model is to become.</summary>
public sealed record QuantizationRequest
{
    /// <summary>The chip that it is for.</summary>
    public required ChipProfile Chip { get; init; }

    /// <summary>Samples of what the model will see; null where the scheme needs none.</summary>
    public SampleSet? Calibration { get; init; }
}
