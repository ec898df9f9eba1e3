using LoraOps.Adapters;

namespace LoraOps.Deltas;

/// <summary>The fields of a LoRA config (PEFT up to 0.20) that are read, or that mean nothing once the weights are trained.</summary>
internal static class LoraFields
{
    /// <summary>The config of BD-LoRA.</summary>
    public const string BlockDiagonal = "use_bdlora";

    /// <summary>The config of KaSA.</summary>
    public const string Kasa = "kasa_config";

    /// <summary>The raw parameters that are adapted.</summary>
    public const string TargetParameters = "target_parameters";

    /// <summary>The rows of embeddings that are replaced.</summary>
    public const string TokenIndices = "trainable_token_indices";

    /// <summary>Their names.</summary>
    public static IReadOnlyList<string> Known { get; } =
    [
        "alpha_pattern", "corda_config", "ensure_weight_tying", "eva_config", "init_lora_weights", Kasa, "loftq_config", "lora_alpha",
        "lora_bias", "lora_dropout", "lora_ga_config", "megatron_core", "monteclora_config", "qalora_group_size", "r", "rank_pattern",
        TargetParameters, TokenIndices, BlockDiagonal, "use_dora", "use_qalora", "use_rslora", "velora_config",
    ];

    /// <summary>True if a field is there and in use.</summary>
    public static bool Has(AdapterConfig config, string field) => config.Values.Raw(field) is { } value && !ConfigValues.IsBlank(value);
}
