using LoraOps.Mixing;
using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>Which two checkpoints to take the difference of, as an adapter of which rank.</summary>
public sealed record ExtractRequest
{
    /// <summary>The base model: a safetensors file or a folder.</summary>
    public required string Base { get; init; }

    /// <summary>The model that was trained from it: a safetensors file or a folder.</summary>
    public required string Tuned { get; init; }

    /// <summary>How much of a module's difference is kept.</summary>
    public required RankRule Rule { get; init; }

    /// <summary>The folder of the new adapter.</summary>
    public required string Output { get; init; }

    /// <summary>Only modules whose names match one of these; all if there is none. An asterisk stands for any text.</summary>
    public IReadOnlyList<string> Include { get; init; } = [];

    /// <summary>No modules whose names match one of these.</summary>
    public IReadOnlyList<string> Exclude { get; init; } = [];

    /// <summary>Modules that are stored whole even if they could be approximated.</summary>
    public IReadOnlyList<string> SaveWhole { get; init; } = [];

    /// <summary>The type of the new adapter's factors: F32, BF16 or F16.</summary>
    public ElementType Type { get; init; } = ElementType.F32;

    /// <summary>The most memory that modules in work may take together, in bytes; one is always worked on.</summary>
    public long MemoryBytes { get; init; } = 1L << 30;

    /// <summary>Replaces an existing output.</summary>
    public bool Overwrite { get; init; }
}
