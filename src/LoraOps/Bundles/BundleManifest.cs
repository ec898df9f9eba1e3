using System.Reflection;

namespace LoraOps.Bundles;

/// <summary>
/// <c>manifest.json</c>: what a bundle is, what it was made from, for which chip, and how it was proven. It names content by
/// SHA-256 and holds no clock, no host and no folder of the machine that made it.
/// </summary>
public sealed record BundleManifest
{
    /// <summary>The format's name, the first thing in the file.</summary>
    public const string SchemaName = "loraops-bundle";

    /// <summary>The format's version: a reader refuses what it was not written for.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <summary><see cref="SchemaName"/>.</summary>
    public string Schema { get; init; } = SchemaName;

    /// <summary><see cref="CurrentSchemaVersion"/>.</summary>
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>What made the bundle.</summary>
    public ManifestTool Tool { get; init; } = ManifestTool.This;

    /// <summary>What people call the bundle, for example <c>shanghai-orin-x</c>.</summary>
    public required string Name { get; init; }

    /// <summary>How the adapters live in the graph: <c>merged</c>, <c>inputs</c> or <c>switchable</c>; null if none is inside.</summary>
    public string? Form { get; init; }

    /// <summary>The adapters inside, in the order of their weights.</summary>
    public IReadOnlyList<ManifestAdapter> Adapters { get; init; } = [];

    /// <summary>How the adapters became one before they were converted; null if they did not.</summary>
    public ManifestMix? Mix { get; init; }

    /// <summary>The base model that they were trained for.</summary>
    public ManifestOrigin? Base { get; init; }

    /// <summary>What it was built for; null for every ONNX Runtime.</summary>
    public ManifestChip? Chip { get; init; }

    /// <summary>How it was quantized; null if it was not.</summary>
    public ManifestQuantization? Quantization { get; init; }

    /// <summary>What was measured and which limits held, in the order of the steps.</summary>
    public IReadOnlyList<ManifestCheck> Parity { get; init; } = [];

    /// <summary>What the chip's rules say about the model.</summary>
    public IReadOnlyList<ManifestFinding> Findings { get; init; } = [];

    /// <summary>Command lines of the chip's compiler, to be run in the bundle's folder; null if the chip needs none.</summary>
    public IReadOnlyList<string>? Compile { get; init; }

    /// <summary>Every file but the manifest and <c>SHA256SUMS</c>, in ordinal order; <see cref="BundleWriter"/> fills it in.</summary>
    public IReadOnlyList<ManifestFile> Files { get; init; } = [];
}

/// <summary>The tool that made a bundle.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
public sealed record ManifestTool(string Name, string Version)
{
    /// <summary>This very library.</summary>
    public static ManifestTool This { get; } = new("loraops", typeof(ManifestTool).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0");
}

/// <summary>An adapter in a bundle.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Digest">SHA-256 over its files, lower-case hexadecimal.</param>
/// <param name="BaseModel">The base as its training knew it.</param>
/// <param name="Weight">Its factor in the sum; 1 for a plain merge.</param>
public sealed record ManifestAdapter(string Name, string Digest, string? BaseModel = null, double Weight = 1);

/// <summary>How several adapters became one.</summary>
/// <param name="Method">The method's name.</param>
/// <param name="Parameters">Its parameters as the recipe writes them.</param>
/// <param name="Digest">SHA-256 over the files of the mixed adapter, lower-case hexadecimal.</param>
public sealed record ManifestMix(string Method, IReadOnlyDictionary<string, string> Parameters, string Digest);

/// <summary>The base model's files.</summary>
/// <param name="Model">The ONNX graph.</param>
/// <param name="Weights">The checkpoint that the graph was checked against, if any.</param>
public sealed record ManifestOrigin(ManifestInput Model, ManifestInput? Weights = null);

/// <summary>A file or folder that went in.</summary>
/// <param name="File">Its name without its folder.</param>
/// <param name="Sha256">Its content, lower-case hexadecimal.</param>
public sealed record ManifestInput(string File, string Sha256);

/// <summary>The target.</summary>
/// <param name="Name">The profile's name.</param>
/// <param name="Profile">SHA-256 of the profile's bytes.</param>
public sealed record ManifestChip(string Name, string Profile);

/// <summary>How a model became integers.</summary>
/// <param name="Scheme"><c>static</c>, <c>dynamic</c> or <c>weights</c>.</param>
/// <param name="Calibrator">How the ranges were found, for example <c>minmax</c>; null if none were needed.</param>
/// <param name="Calibration">The data that they were found on.</param>
/// <param name="Samples">How many samples that was.</param>
public sealed record ManifestQuantization(string Scheme, string? Calibrator, ManifestInput? Calibration, int Samples)
{
    /// <summary>How many layers compute with integers, and how many stay float.</summary>
    public ManifestLayers? Layers { get; init; }

    /// <summary>The length of the float model that it was made from.</summary>
    public long FloatBytes { get; init; }
}

/// <summary>What became of the layers of a quantized model.</summary>
/// <param name="Quantized">Layers with an integer weight and activation.</param>
/// <param name="Float">Layers that stay float.</param>
/// <param name="IntegerKernels">Integer kernels that ONNX Runtime makes of them on a CPU.</param>
public sealed record ManifestLayers(int Quantized, int Float, int IntegerKernels);

/// <summary>One comparison of a candidate with a reference.</summary>
/// <param name="Step">The step that it closes: <c>convert</c> or <c>quantize</c>.</param>
/// <param name="Reference">What the candidate was held against.</param>
/// <param name="Samples">On how many samples.</param>
/// <param name="Metrics">What was measured.</param>
/// <param name="Gates">The limits, and whether they held.</param>
public sealed record ManifestCheck(
    string Step, string Reference, int Samples, IReadOnlyList<ManifestMetric> Metrics, IReadOnlyList<ManifestGate> Gates);

/// <summary>A measured number.</summary>
/// <param name="Name">The metric, for example <c>cosine</c>.</param>
/// <param name="Value">Its value; an infinite one is written as text.</param>
public sealed record ManifestMetric(string Name, double Value)
{
    /// <summary>The output that it was measured on; null if the model has one only.</summary>
    public string? Output { get; init; }
}

/// <summary>A limit that the recipe or the command line set.</summary>
/// <param name="Limit">As written, for example <c>cosine&gt;=0.99</c>.</param>
/// <param name="Value">What was measured.</param>
/// <param name="Passed">Whether the limit held.</param>
public sealed record ManifestGate(string Limit, double Value, bool Passed);

/// <summary>What a chip's rule found.</summary>
/// <param name="Rule">The rule's id.</param>
/// <param name="Severity">How bad it is.</param>
/// <param name="Where">The node or tensor.</param>
/// <param name="What">What was found.</param>
/// <param name="Advice">What to do.</param>
public sealed record ManifestFinding(string Rule, string Severity, string Where, string What, string Advice);

/// <summary>A file of the bundle.</summary>
/// <param name="Path">Its path in the bundle, with <c>/</c>.</param>
/// <param name="Bytes">Its length.</param>
/// <param name="Sha256">Its content, lower-case hexadecimal.</param>
public sealed record ManifestFile(string Path, long Bytes, string Sha256);
