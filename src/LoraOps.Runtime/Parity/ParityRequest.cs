using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Parity;

/// <summary>Something that may have a name of its own.</summary>
/// <param name="Name">The name; empty if it was given none.</param>
/// <param name="Value">A file, or what else it is.</param>
public readonly record struct NamedValue(string Name, string Value);

/// <summary>What a candidate is to be held against, and with which adapters.</summary>
public sealed record ParityRequest
{
    /// <summary>A model that is run over the same samples; or <see cref="Expected"/>.</summary>
    public string? Reference { get; init; }

    /// <summary>Records of what a model gave, each of the adapter that it is named after; one may have no name.</summary>
    public IReadOnlyList<NamedValue> Expected { get; init; } = [];

    /// <summary>Samples; null takes those of the records.</summary>
    public SampleSet? Inputs { get; init; }

    /// <summary>
    /// Of a model of the form <c>inputs</c> <c>.onnx_adapter</c> files; of one of the form <c>switchable</c> the name or number of an adapter
    /// in it.
    /// </summary>
    public IReadOnlyList<NamedValue> Adapters { get; init; } = [];

    /// <summary>An adapter file that does not say for which model it was made may be used.</summary>
    public bool AllowsForeign { get; init; }
}
