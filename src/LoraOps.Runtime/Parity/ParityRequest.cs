using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Parity;

/// <summary>Something that may have a name of its own.</summary>
/// <param name="Name">The name; empty if it was given none.</param>
/// <param name="Value">A file, or what else it is.</param>
public readonly record struct NamedValue(string Name, string Value);

/// <summary>Samples that are called something.</summary>
/// <param name="Name">The domain: a city, a camera, a season.</param>
/// <param name="Samples">The samples.</param>
/// <param name="Labels">A file with their labels; null if they are among the samples, or there are none.</param>
public sealed record NamedSamples(string Name, SampleSet Samples, SampleSet? Labels);

/// <summary>What a candidate is to be held against, and with which adapters.</summary>
public sealed record ParityRequest
{
    /// <summary>A model that is run over the same samples; or <see cref="Expected"/>.</summary>
    public string? Reference { get; init; }

    /// <summary>Records of what a model gave, each of the adapter that it is named after; one may have no name.</summary>
    public IReadOnlyList<NamedValue> Expected { get; init; } = [];

    /// <summary>Samples; null takes those of the records.</summary>
    public SampleSet? Inputs { get; init; }

    /// <summary>Samples that have names of their own, to be told apart in the report; they take the place of <see cref="Inputs"/>.</summary>
    public IReadOnlyList<NamedSamples> Domains { get; init; } = [];

    /// <summary>The float model without the adapter, if the adapter's effect is to be measured; forms that hold their base need none.</summary>
    public string? Base { get; init; }

    /// <summary>The quantized model without the adapter; forms that hold their base need none.</summary>
    public string? BaseCandidate { get; init; }

    /// <summary>The adapter's effect on the outputs is measured where the models hold their base themselves.</summary>
    public bool MeasuresEffect { get; init; }

    /// <summary>
    /// Of a model of the form <c>inputs</c> <c>.onnx_adapter</c> files; of one of the form <c>switchable</c> the name or number of an adapter
    /// in it.
    /// </summary>
    public IReadOnlyList<NamedValue> Adapters { get; init; } = [];

    /// <summary>An adapter file that does not say for which model it was made may be used.</summary>
    public bool AllowsForeign { get; init; }
}
