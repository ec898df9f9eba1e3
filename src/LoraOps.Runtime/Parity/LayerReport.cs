namespace LoraOps.Runtime.Parity;

/// <summary>
/// What quantization does to one layer with a weight, measured on evaluation samples. A number is null where the layer has no such
/// thing: a layer in float quantizes no activation.
/// </summary>
public sealed record LayerReport
{
    /// <summary>The node's name in the float model as it is prepared for quantization.</summary>
    public required string Node { get; init; }

    /// <summary>Its operator.</summary>
    public required string Op { get; init; }

    /// <summary>What the candidate computes it with: <c>int8</c>, <c>uint8</c>, <c>int16</c>, <c>int4</c>, <c>fp16</c>, <c>float</c>.</summary>
    public required string Precision { get; init; }

    /// <summary>SQNR in dB of the weight that the candidate holds against the float model's; infinite if they are equal.</summary>
    public double? WeightSqnr { get; init; }

    /// <summary>SQNR in dB of the layer's input before and after its one quantization.</summary>
    public double? ActivationSqnr { get; init; }

    /// <summary>SQNR in dB of the layer's output, everything before it included: candidate against float model.</summary>
    public double? OutputSqnr { get; init; }

    /// <summary>The smallest input that a code stands for; without codes the smallest that was seen.</summary>
    public double RangeMin { get; init; }

    /// <summary>The largest input that a code stands for; without codes the largest that was seen.</summary>
    public double RangeMax { get; init; }

    /// <summary>The share of the layer's inputs that lie beyond the range, 0…1.</summary>
    public double ClipShare { get; init; }

    /// <summary>max|x| / rms(x) of the layer's input: above 60 no symmetric INT8 tensor reaches a cosine of 0.99.</summary>
    public double? PeakToRms { get; init; }

    /// <summary>The layer's inputs.</summary>
    public Histogram? ValueHistogram { get; init; }

    /// <summary>The errors of the layer's output: candidate − float model.</summary>
    public Histogram? ErrorHistogram { get; init; }

    /// <summary>What lies beyond the house's limits, in words; empty if nothing does.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
