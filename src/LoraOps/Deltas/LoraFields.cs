namespace LoraOps.Deltas;

/// <summary>The fields of a LoRA config (PEFT up to 0.20) that are read, or that mean nothing once the weights are trained.</summary>
internal static class LoraFields
{
    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Known { get; } =
    [
        "alpha_pattern", "corda_config", "ensure_weight_tying", "eva_config", "init_lora_weights", "loftq_config", "lora_alpha",
        "lora_dropout", "lora_ga_config", "megatron_core", "qalora_group_size", "r", "rank_pattern", "use_dora", "use_rslora",
    ];
}
