using LoraOps.Adapters;
using LoraOps.Mixing;
using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>What to mix, how, and where it goes.</summary>
public sealed record MixRequest
{
    /// <summary>The adapters in order, with their weights.</summary>
    public required IReadOnlyList<WeightedAdapter> Adapters { get; init; }

    /// <summary>The method.</summary>
    public required MixMethod Method { get; init; }

    /// <summary>The combination type of add_weighted_adapter that is reproduced instead, defects included; null: the method as it is defined.</summary>
    public string? PeftType { get; init; }

    /// <summary>Its parameters.</summary>
    public MixSettings Settings { get; init; } = new();

    /// <summary>The names of the parameters that the user gave, so that one which has no effect is told.</summary>
    public IReadOnlyList<string> Given { get; init; } = [];

    /// <summary>The folder of the new adapter.</summary>
    public required string Output { get; init; }

    /// <summary>The base model (a file or folder), which DoRA and saved modules may need; null: none.</summary>
    public string? Base { get; init; }

    /// <summary>The name of the adapter whose saved modules and biases are taken as they are; null: they are averaged.</summary>
    public string? Keep { get; init; }

    /// <summary>The type of the new adapter's factors: F32, BF16 or F16.</summary>
    public ElementType Type { get; init; } = ElementType.F32;

    /// <summary>The most memory that modules in work may take together, in bytes; one is always worked on.</summary>
    public long MemoryBytes { get; init; } = 1L << 30;

    /// <summary>Replaces an existing output.</summary>
    public bool Overwrite { get; init; }

    /// <summary>The same with the layers called as a base calls them, where their names were flat.</summary>
    internal MixRequest Named(OriginalWeights? original) => original is null ? this : this with
    {
        Adapters = [.. Adapters.Zip(original.Adapters, (source, named) => source with { Adapter = named })],
    };
}
