using LoraOps.Tensors;

namespace LoraOps.Writers.Peft;

/// <summary>What the config of a written adapter says beside what follows from its modules.</summary>
public sealed record PeftFields
{
    /// <summary>r and lora_alpha: modules of another rank are listed in rank_pattern, and their B is scaled by rank / r.</summary>
    public required int Rank { get; init; }

    /// <summary>The type that factors are stored as: F32, BF16 or F16.</summary>
    public ElementType Type { get; init; } = ElementType.F32;

    /// <summary>True if every module is filled up with zeros to <see cref="Rank"/>, so that no rank_pattern is needed.</summary>
    public bool IsUniform { get; init; }

    /// <summary>The base model's name as training knew it.</summary>
    public string? BaseModel { get; init; }

    /// <summary>PEFT's task_type: <c>CAUSAL_LM</c> …</summary>
    public string? TaskType { get; init; }

    /// <summary>The linear layers of the base store [in, out] (GPT-2).</summary>
    public bool FanInFanOut { get; init; }

    /// <summary>Which biases the adapter replaces: <c>none</c>, <c>all</c>, <c>lora_only</c>.</summary>
    public string Bias { get; init; } = "none";

    /// <summary>Tied layers change together (ensure_weight_tying).</summary>
    public bool TiesWeights { get; init; }
}
