using LoraOps.Tensors;

namespace LoraOps.Runtime.Parity;

/// <summary>The measured distance between a reference and a candidate.</summary>
/// <param name="Candidate">The candidate's file.</param>
/// <param name="Reference">The reference's file: a model or a record.</param>
/// <param name="Samples">How many were run.</param>
/// <param name="Outputs">One for each output, in the candidate's order.</param>
/// <param name="Accuracy">How often labels are met, or null without labels.</param>
public sealed record ParityReport(
    string Candidate, string Reference, int Samples, IReadOnlyList<OutputParity> Outputs, TaskAccuracy? Accuracy)
{
    /// <summary>The adapter that was active, or the base; empty if there was no choice or there were several.</summary>
    public string Adapter { get; init; } = "";

    /// <summary>What of the reference was taken, in words; empty if there was no choice or there were several.</summary>
    public string Against { get; init; } = "";

    /// <summary>What the samples are called; empty if they have no name or there were several.</summary>
    public string Domain { get; init; } = "";

    /// <summary>The same for the samples of each adapter and each domain, if there were several.</summary>
    public IReadOnlyList<ParityReport> Parts { get; init; } = [];

    /// <summary>The samples with the smallest cosine, the worst first; of several outputs that which labels are of, else the first.</summary>
    public IReadOnlyList<WorstSample> WorstSamples { get; init; } = [];

    /// <summary>Which class is taken for which; null without labels, or with more classes than are shown.</summary>
    public Confusion? Confusion { get; init; }

    /// <summary>Each layer with a weight, in graph order; empty if layers were not looked at.</summary>
    public IReadOnlyList<LayerReport> Layers { get; init; } = [];

    /// <summary>What quantization left of the adapter; null if there was nothing to measure it by.</summary>
    public SurvivalReport? Survival { get; init; }
}

/// <summary>The distance on one output. A NaN or infinity on either side makes every number here NaN.</summary>
public sealed record OutputParity
{
    /// <summary>The output's name.</summary>
    public required string Name { get; init; }

    /// <summary>The shape of one sample.</summary>
    public required TensorShape SampleShape { get; init; }

    /// <summary>The number of values compared.</summary>
    public required long Values { get; init; }

    /// <summary>Values of the candidate that are NaN or infinite.</summary>
    public required long CandidateNotFinite { get; init; }

    /// <summary>Values of the candidate that are NaN or infinite where the reference's are finite.</summary>
    public required long Broken { get; init; }

    /// <summary>Values of the reference that are NaN or infinite.</summary>
    public required long ReferenceNotFinite { get; init; }

    /// <summary>x·y / (|x| |y|) over all values; 1 if both are zero, 0 if one is.</summary>
    public required double Cosine { get; init; }

    /// <summary>The smallest cosine of a single sample.</summary>
    public required double WorstCosine { get; init; }

    /// <summary>20 log10(|reference| / |reference − candidate|) in dB; infinite if they are equal.</summary>
    public required double Sqnr { get; init; }

    /// <summary>The largest absolute difference.</summary>
    public required double MaxAbs { get; init; }

    /// <summary>The mean absolute difference.</summary>
    public required double MeanAbs { get; init; }

    /// <summary>|candidate| / |reference|; 1 if both are zero.</summary>
    public required double NormRatio { get; init; }

    /// <summary>Mean KL(reference ‖ candidate) in nats of the softmax over the last axis; null if that axis has no classes.</summary>
    public required double? Kl { get; init; }

    /// <summary>Share of rows with the same largest place (the first of equals), 0…1; null if the last axis has no classes.</summary>
    public required double? Top1 { get; init; }
}

/// <summary>How often the largest place of a row is its label.</summary>
/// <param name="Output">The output that was scored.</param>
/// <param name="Scored">The number of labels that count.</param>
/// <param name="Candidate">Share of them that the candidate meets, 0…1; NaN if a scored row holds a NaN or infinity, or none is scored.</param>
/// <param name="Reference">The same of the reference.</param>
public sealed record TaskAccuracy(string Output, long Scored, double Candidate, double Reference)
{
    /// <summary>What the candidate loses, in percentage points; negative if it gains.</summary>
    public double Drop => (Reference - Candidate) * 100;
}
