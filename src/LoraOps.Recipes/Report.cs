using LoraOps.Bundles;
using LoraOps.Problems;

namespace LoraOps.Recipes;

/// <summary>How a job ended.</summary>
public enum JobStatus
{
    /// <summary>The bundle was made and published.</summary>
    Built,

    /// <summary>The bundle was there, whole; nothing was done.</summary>
    UpToDate,

    /// <summary>The bundle was missing or damaged, and was put back from the cache.</summary>
    Restored,

    /// <summary>A limit was missed: nothing was published.</summary>
    GateFailed,

    /// <summary>A step could not be done: nothing was published.</summary>
    Failed,
}

/// <summary>One adapter on one chip: a row of the table.</summary>
public sealed record JobReport
{
    /// <summary>The adapter.</summary>
    public required string Adapter { get; init; }

    /// <summary>The chip.</summary>
    public required string Chip { get; init; }

    /// <summary>How it ended.</summary>
    public required JobStatus Status { get; init; }

    /// <summary>Its bundle; null unless it is published and whole.</summary>
    public string? Bundle { get; init; }

    /// <summary>Share of labels that the base meets, 0…1; null if it was not measured, here and below.</summary>
    public double? BaseAccuracy { get; init; }

    /// <summary>The same of the merged model in floating point.</summary>
    public double? AdapterAccuracy { get; init; }

    /// <summary>The same of the quantized model.</summary>
    public double? QuantizedAccuracy { get; init; }

    /// <summary>Cosine between merged and quantized.</summary>
    public double? Cosine { get; init; }

    /// <summary>Signal to quantization noise in dB.</summary>
    public double? Sqnr { get; init; }

    /// <summary>What the layer that kept least of the adapter kept: cos(ΔQ, ΔW).</summary>
    public double? DeltaCosine { get; init; }

    /// <summary>The cosine between the adapter's effect in the quantized and in the merged model.</summary>
    public double? EffectCosine { get; init; }

    /// <summary>How large its effect is there, against the merged model's.</summary>
    public double? EffectRatio { get; init; }

    /// <summary>The largest difference between PyTorch's record and the merged model.</summary>
    public double? ConversionError { get; init; }

    /// <summary>The length of the quantized model.</summary>
    public long? Bytes { get; init; }

    /// <summary>The length of the merged model.</summary>
    public long? FloatBytes { get; init; }

    /// <summary>Integer kernels that ONNX Runtime makes of it on a CPU.</summary>
    public int? IntegerKernels { get; init; }

    /// <summary>How long this run worked on it, its share of the conversion included.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>What the chip's rules warn of.</summary>
    public IReadOnlyList<string> Findings { get; init; } = [];

    /// <summary>The same, part by part.</summary>
    public IReadOnlyList<ManifestFinding> Breaches { get; init; } = [];

    /// <summary>Everything that was measured, with the gates.</summary>
    public IReadOnlyList<ManifestCheck> Proofs { get; init; } = [];

    /// <summary>What lies in the bundle, by its digest.</summary>
    public IReadOnlyList<ManifestFile> Files { get; init; } = [];

    /// <summary>Why it failed.</summary>
    public IReadOnlyList<Problem> Problems { get; init; } = [];
}

/// <summary>What came out of a run.</summary>
/// <param name="Name">The recipe's name.</param>
/// <param name="Output">The folder of the bundles.</param>
/// <param name="Jobs">One for each adapter and chip, in the order of the recipe.</param>
/// <param name="Elapsed">How long the whole run took.</param>
public sealed record Report(string Name, string Output, IReadOnlyList<JobReport> Jobs, TimeSpan Elapsed)
{
    /// <summary>True if there was nothing to do.</summary>
    public bool IsUpToDate => Jobs.All(job => job.Status == JobStatus.UpToDate);

    /// <summary>The worst exit status of all jobs.</summary>
    public ExitCode ExitCode => Jobs.SelectMany(job => job.Problems).Select(problem => problem.Code.ExitCode()).DefaultIfEmpty(ExitCode.Done).Max();
}
