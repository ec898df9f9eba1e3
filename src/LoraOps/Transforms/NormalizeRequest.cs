using LoraOps.Adapters;

namespace LoraOps.Transforms;

/// <summary>Which adapter to bring into the form that every server reads right, and where it goes.</summary>
public sealed record NormalizeRequest
{
    /// <summary>The adapter.</summary>
    public required Adapter Adapter { get; init; }

    /// <summary>The folder of the new adapter.</summary>
    public required string Output { get; init; }

    /// <summary>The base model (a file or folder), which methods whose factors depend on it need; null: none. DoRA needs none.</summary>
    public string? Base { get; init; }

    /// <summary>Modules keep their ranks, in rank_pattern; otherwise all are filled up with zeros to the largest one.</summary>
    public bool KeepsRanks { get; init; }

    /// <summary>The most memory that modules in work may take together, in bytes; one is always worked on.</summary>
    public long MemoryBytes { get; init; } = 1L << 30;

    /// <summary>Replaces an existing output.</summary>
    public bool Overwrite { get; init; }
}
