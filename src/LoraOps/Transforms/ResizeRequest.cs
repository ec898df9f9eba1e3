using LoraOps.Adapters;
using LoraOps.Mixing;
using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>Which adapter to bring to which ranks, and where it goes.</summary>
public sealed record ResizeRequest
{
    /// <summary>The adapter.</summary>
    public required Adapter Adapter { get; init; }

    /// <summary>How the rank of a module is found; with a budget only its cap counts.</summary>
    public required DynamicRank Rank { get; init; }

    /// <summary>The most bytes that all tensors of the result may have together, spread over the modules by energy; null: no budget.</summary>
    public long? BudgetBytes { get; init; }

    /// <summary>The folder of the new adapter.</summary>
    public required string Output { get; init; }

    /// <summary>The base model (a file or folder), which DoRA and other methods that depend on it need; null: none.</summary>
    public string? Base { get; init; }

    /// <summary>The type of the new adapter's factors: F32, BF16 or F16.</summary>
    public ElementType Type { get; init; } = ElementType.F32;

    /// <summary>The most memory that modules in work may take together, in bytes; one is always worked on.</summary>
    public long MemoryBytes { get; init; } = 1L << 30;

    /// <summary>Replaces an existing output.</summary>
    public bool Overwrite { get; init; }
}
