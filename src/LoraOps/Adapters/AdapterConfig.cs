namespace LoraOps.Adapters;

/// <summary>What <c>adapter_config.json</c> says that matters for the weights.</summary>
public sealed record AdapterConfig
{
    /// <summary>PEFT's method name in upper case, for example <c>LORA</c>.</summary>
    public required string PeftType { get; init; }

    /// <summary>The rank of modules without a pattern; a module's own tensors decide in the end.</summary>
    public int Rank { get; init; } = 8;

    /// <summary>alpha of modules without a pattern; may be a fraction.</summary>
    public double Alpha { get; init; } = 8;

    /// <summary>Scale by alpha / √r instead of alpha / r (rank-stabilised LoRA, arXiv:2312.03732).</summary>
    public bool UsesRsLora { get; init; }

    /// <summary>Magnitude and direction are trained apart (DoRA, arXiv:2402.09353).</summary>
    public bool UsesDora { get; init; }

    /// <summary>The flag of the last layer that PEFT handled; no proof of a weight's orientation.</summary>
    public bool FanInFanOut { get; init; }

    /// <summary>Ranks by pattern, in file order: the first match counts.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> RankPattern { get; init; } = [];

    /// <summary>Alphas by pattern, in file order: the first match counts.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> AlphaPattern { get; init; } = [];

    /// <summary><c>none</c>, <c>all</c>, <c>lora_only</c> or another method's <c>…_only</c>.</summary>
    public string Bias { get; init; } = "none";

    /// <summary>True if the biases of the adapted modules, and only those, are trained: <c>lora_only</c>, <c>vera_only</c>, <c>MiSS_only</c> …</summary>
    public bool TrainsOwnBias => Bias.EndsWith("_only", StringComparison.Ordinal);

    /// <summary>Modules that are saved whole.</summary>
    public IReadOnlyList<string> ModulesToSave { get; init; } = [];

    /// <summary>The target list, or the one regular expression, as written; a hint only: the tensors say what is adapted.</summary>
    public IReadOnlyList<string> TargetModules { get; init; } = [];

    /// <summary>How the factors were initialised, as text: <c>true</c>, <c>gaussian</c>, <c>pissa</c> …</summary>
    public string Initialization { get; init; } = "true";

    /// <summary>Adapters of tied layers are kept the same (PEFT's <c>ensure_weight_tying</c>).</summary>
    public bool TiesWeights { get; init; }

    /// <summary>The base model's name or path as training knew it.</summary>
    public string? BaseModel { get; init; }

    /// <summary>Every field as it is in the file, for what only one method means.</summary>
    public ConfigValues Values { get; init; } = ConfigValues.None;

    /// <summary>The PEFT version that wrote it; null before 0.18.</summary>
    public string? PeftVersion { get; init; }
}
