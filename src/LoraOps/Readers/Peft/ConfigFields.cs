using System.Collections.Frozen;

namespace LoraOps.Readers.Peft;

/// <summary>What the fields of a LoRA <c>adapter_config.json</c> mean to us (PEFT up to 0.20).</summary>
internal static class ConfigFields
{
    private const string TrainPlain = "Train plain LoRA or DoRA for this target.";

    /// <summary>Fields that every method may have, or that have no meaning for the weights once they are trained.</summary>
    public static FrozenSet<string> Shared { get; } = ((string[])
    [
        "auto_mapping", "base_model_name_or_path", "bias", "exclude_modules", "fan_in_fan_out", "inference_mode", "init_weights",
        "layers_pattern", "layers_to_transform", "modules_to_save", "peft_type", "peft_version", "revision", "runtime_config",
        "target_modules", "task_type",
    ]).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Fields that turn LoRA into something else when they have a value: why, and what to do.</summary>
    public static FrozenDictionary<string, (string Reason, string Advice)> Refused { get; } =
        new Dictionary<string, (string, string)>
        {
            ["alora_invocation_tokens"] = ("activated LoRA acts only from the invocation tokens on, so no fixed weight can hold it", TrainPlain),
            ["arrow_config"] = (
                "an Arrow router chooses the adapter by the input, so no fixed weight can hold it", "Convert its experts one by one."),
            ["layer_replication"] = (
                "the copies of a layer share one tensor of the base, so each would get the changes of all",
                "Save the expanded model and train on it."),
            ["megatron_config"] = ("the factors of Megatron's parallel layers may be only one rank's part", "Gather them into a plain PEFT adapter."),
        }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>Initialisations that leave the base as it was.</summary>
    public static FrozenSet<string> PlainInitializations { get; } =
        ((string[])["true", "false", "gaussian", "eva", "orthogonal", "mica"]).ToFrozenSet(StringComparer.Ordinal);

    /// <summary>True for an initialisation that takes its product out of the base: the adapter fits only what was left.</summary>
    public static bool ChangesBase(string initialization) =>
        initialization is "pissa" or "olora" or "corda" or "lora_ga" or "loftq" ||
        initialization.StartsWith("pissa_niter_", StringComparison.Ordinal);
}
