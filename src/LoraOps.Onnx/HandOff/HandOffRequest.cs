using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Readers.Samples;

namespace LoraOps.Onnx.HandOff;

/// <summary>What hand-off files are made from.</summary>
public sealed record HandOffRequest
{
    /// <summary>The chip; its profile names the files that its compiler takes.</summary>
    public required ChipProfile Chip { get; init; }

    /// <summary>The float model that was quantized, as it was calibrated.</summary>
    public required OnnxModel Prepared { get; init; }

    /// <summary>The quantized model, and what became of its layers.</summary>
    public required Quantization Quantization { get; init; }

    /// <summary>The range of each calibrated tensor of <see cref="Prepared"/>.</summary>
    public required IReadOnlyDictionary<string, TensorRange> Ranges { get; init; }

    /// <summary>What the quantized model's file is called, without a folder.</summary>
    public required string Model { get; init; }

    /// <summary>How the ranges were found.</summary>
    public string Calibrator { get; init; } = "minmax";

    /// <summary>The share of values in percent that a range of the calibrator <c>percentile</c> holds.</summary>
    public double Percentile { get; init; } = 100;

    /// <summary>What they were found on; null if nothing was needed.</summary>
    public SampleSet? Samples { get; init; }
}
