namespace LoraOps.Problems;

/// <summary>What can be wrong with a PEFT folder, and what an adapter can mean that no weight can hold.</summary>
public static class AdapterProblems
{
    private const string SaveAgain = "Save the adapter again with save_pretrained.";

    /// <summary><see cref="ProblemCode.AdapterConfigMissing"/></summary>
    public static Problem ConfigMissing(string folder) =>
        new(
            ProblemCode.AdapterConfigMissing,
            folder,
            "holds no adapter_config.json, nor does one of its sub-folders",
            "Give the folder that save_pretrained wrote.");

    /// <summary><see cref="ProblemCode.AdapterFolderAmbiguous"/></summary>
    public static Problem FolderAmbiguous(string folder, IEnumerable<string> found) =>
        new(ProblemCode.AdapterFolderAmbiguous, folder, $"holds several adapters: {string.Join(", ", found)}", "Name one of these.");

    /// <summary><see cref="ProblemCode.AdapterConfigInvalid"/></summary>
    public static Problem ConfigInvalid(string file, string reason) =>
        new(ProblemCode.AdapterConfigInvalid, file, reason.TrimEnd('.'), SaveAgain);

    /// <summary><see cref="ProblemCode.AdapterRankMismatch"/></summary>
    public static Problem RankMismatch(string file, (string Name, long Rank) a, (string Name, long Rank) b) =>
        new(ProblemCode.AdapterRankMismatch, file, $"tensor '{a.Name}' has rank {a.Rank}, its partner '{b.Name}' {b.Rank}", "Re-export the adapter.");

    /// <summary><see cref="ProblemCode.AdapterWeightsMissing"/></summary>
    public static Problem WeightsMissing(string folder) =>
        new(ProblemCode.AdapterWeightsMissing, folder, "holds neither adapter_model.safetensors nor adapter_model.bin", SaveAgain);

    /// <summary><see cref="ProblemCode.AdapterWeightsPickled"/></summary>
    public static Problem WeightsPickled(string file) =>
        new(
            ProblemCode.AdapterWeightsPickled,
            file,
            "is a pickle of the layout before PyTorch 1.6, which is not read; zip archives of torch.save and safetensors are",
            "Load it with PyTorch where you trust it, and save the adapter with safe_serialization=True.");

    /// <summary><see cref="ProblemCode.AdapterTensorUnused"/></summary>
    public static Problem TensorUnused(string file, string tensor, string reason) =>
        new(
            ProblemCode.AdapterTensorUnused,
            file,
            $"tensor '{tensor}' would not be used: {reason}",
            "Remove it, or re-export the adapter with the config that it was trained with.");

    /// <summary><see cref="ProblemCode.AdapterPartnerMissing"/></summary>
    public static Problem PartnerMissing(string file, string tensor, string partner) =>
        new(ProblemCode.AdapterPartnerMissing, file, $"tensor '{tensor}' has no partner '{partner}'", SaveAgain);

    /// <summary><see cref="ProblemCode.AdapterTensorEmpty"/></summary>
    public static Problem TensorEmpty(string file, string tensor, string shape) =>
        new(
            ProblemCode.AdapterTensorEmpty,
            file,
            $"tensor '{tensor}' has no elements: its shape is {shape}",
            "Gather the sharded weights (ZeRO-3, FSDP) before saving.");

    /// <summary><see cref="ProblemCode.AdapterNotFinite"/></summary>
    public static Problem NotFinite(string file, string tensor) =>
        new(
            ProblemCode.AdapterNotFinite,
            file,
            $"tensor '{tensor}' holds NaN or infinity",
            "Take an earlier checkpoint: this training run diverged.");

    /// <summary><see cref="ProblemCode.AdapterTensorInvalid"/></summary>
    public static Problem TensorInvalid(string file, string tensor, string reason) =>
        new(ProblemCode.AdapterTensorInvalid, file, $"tensor '{tensor}' {reason}", SaveAgain);

    /// <summary><see cref="ProblemCode.AdapterTensorTwice"/></summary>
    public static Problem TensorTwice(string file, string tensor, string other) =>
        new(ProblemCode.AdapterTensorTwice, file, $"tensors '{other}' and '{tensor}' are the same parameter", "Remove one of them.");

    /// <summary><see cref="ProblemCode.AdapterEmpty"/></summary>
    public static Problem Empty(string file) =>
        new(ProblemCode.AdapterEmpty, file, "adapts no layer and replaces no parameter", SaveAgain);

    /// <summary><see cref="ProblemCode.MethodRefused"/></summary>
    public static Problem MethodRefused(string file, string peftType, string reason) =>
        new(
            ProblemCode.MethodRefused,
            file,
            $"peft_type {peftType}: {reason}",
            "Use an adapter of a method that changes weights: the README lists them.");

    /// <summary><see cref="ProblemCode.MethodUnknown"/></summary>
    public static Problem MethodUnknown(string file, string peftType, string nearest) =>
        new(
            ProblemCode.MethodUnknown,
            file,
            $"peft_type '{peftType}' is not known{nearest}",
            "Check the config: the README lists the methods that are read.");

    /// <summary><see cref="ProblemCode.VariantRefused"/></summary>
    public static Problem VariantRefused(string file, string field, string reason, string advice) =>
        new(ProblemCode.VariantRefused, file, $"{field}: {reason}", advice);

    /// <summary><see cref="ProblemCode.ResidualBaseNeeded"/></summary>
    public static Problem ResidualBaseNeeded(string file, string initialization) =>
        new(
            ProblemCode.ResidualBaseNeeded,
            file,
            $"init_lora_weights '{initialization}' changed the base, and this adapter fits only that residual base",
            "Save it with path_initial_model_for_weight_conversion, or give the residual base and --residual-base.");

    /// <summary><see cref="ProblemCode.DoraMagnitudeMissing"/></summary>
    public static Problem MagnitudeMissing(string file, string module) =>
        new(ProblemCode.DoraMagnitudeMissing, file, $"use_dora is set but module '{module}' has no lora_magnitude_vector", SaveAgain);

    /// <summary><see cref="ProblemCode.DoraMagnitudeUnexpected"/></summary>
    public static Problem MagnitudeUnexpected(string file, string tensor) =>
        new(
            ProblemCode.DoraMagnitudeUnexpected,
            file,
            $"tensor '{tensor}' is a DoRA magnitude but the config's use_dora is false",
            "Set use_dora if the adapter was trained with it.");

    /// <summary><see cref="ProblemCode.ConfigFieldUnknown"/></summary>
    public static Problem FieldUnknown(string file, string field, string value, string nearest) =>
        new(
            ProblemCode.ConfigFieldUnknown,
            file,
            $"field '{field}' with value {value} is not known{nearest}; it may change the result",
            "Remove it if it has no meaning for the weights.");

    /// <summary><see cref="ProblemCode.PatternInvalid"/></summary>
    public static Problem PatternInvalid(string pattern, string reason) =>
        new(
            ProblemCode.PatternInvalid,
            "adapter_config.json",
            $"pattern '{pattern}' is no usable regular expression: {reason.TrimEnd('.')}",
            "Correct the key in rank_pattern or alpha_pattern.");

    /// <summary><see cref="ProblemCode.GroupedConvolution"/></summary>
    public static Problem GroupedConvolution(string file, string module, long found, long expected) =>
        new(
            ProblemCode.GroupedConvolution,
            file,
            $"module '{module}' is a grouped convolution: lora_B has {found} columns, lora_A {expected} rows; each filter of "
            + "the base sees one group of channels, lora_A all of them, so no grouped kernel equals the sum and PEFT cannot merge it either",
            "Train without this layer in target_modules.");

    /// <summary><see cref="ProblemCode.InitializationUnknown"/></summary>
    public static Problem InitializationUnknown(string file, string value) =>
        new(
            ProblemCode.InitializationUnknown,
            file,
            $"init_lora_weights '{value}' is not known: it may have changed the base",
            "Give the base that the training used and --residual-base.");

    /// <summary><see cref="ProblemCode.DoraZeroNorm"/></summary>
    public static Problem ZeroNorm(string file, string module, long index) =>
        new(
            ProblemCode.DoraZeroNorm,
            file,
            $"module '{module}': the DoRA norm of output {index} is zero, so its direction is undefined",
            "Check that this is the base that the adapter was trained on.");

    /// <summary><see cref="ProblemCode.TooLargeToDecompose"/></summary>
    public static Problem TooLargeToDecompose(string file, string module, string shape) =>
        new(
            ProblemCode.TooLargeToDecompose,
            file,
            $"module '{module}': KaSA needs the singular values of its weight {shape}, which is too large for that here",
            "Merge it with PEFT, on an accelerator.");

    /// <summary><see cref="ProblemCode.ParameterAmbiguous"/></summary>
    public static Problem ParameterAmbiguous(string file, string module, string reason) =>
        new(
            ProblemCode.ParameterAmbiguous,
            file,
            $"module '{module}': {reason}",
            "Save the adapter again with a peft_version from 0.19 in its config, beside the config.json of its base.");
}
