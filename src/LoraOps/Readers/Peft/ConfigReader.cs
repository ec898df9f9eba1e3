using System.Text.Json;
using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;

namespace LoraOps.Readers.Peft;

/// <summary>Reads <c>adapter_config.json</c>: known fields are understood, refused ones named, unknown ones must be blank.</summary>
internal static class ConfigReader
{
    private const int MaxBytes = 16 << 20;
    private const int MaxDepth = 32;

    /// <summary>The config; problems that leave a config usable for further checks are added, others thrown.</summary>
    /// <exception cref="LoraOpsException">The file is no JSON object, or its peft_type is not read.</exception>
    public static AdapterConfig Read(string file, bool residualBase, ICollection<Problem> problems)
    {
        using var document = Parse(file);
        try
        {
            return Read(document.RootElement, file, residualBase, problems);
        }
        catch (InvalidOperationException error)
        {
            // A text is decoded when it is asked for: only then is seen that it is no Unicode.
            throw new LoraOpsException(AdapterProblems.ConfigInvalid(file, $"holds a broken text: {error.Message}"));
        }
    }

    private static AdapterConfig Read(JsonElement root, string file, bool residualBase, ICollection<Problem> problems)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new LoraOpsException(AdapterProblems.ConfigInvalid(file, "is no JSON object"));

        var fields = new JsonFields(root, file, problems);
        CheckMethod(file, fields.Text("peft_type"));
        CheckFields(file, root, problems);
        var config = Make(fields, Initialization(root));
        if (config.Bias is not ("none" or "all" or "lora_only"))
            problems.Add(AdapterProblems.ConfigInvalid(file, $"field 'bias' is '{config.Bias}'; none, all or lora_only is allowed"));

        if (!residualBase)
            CheckInitialization(file, config.Initialization, problems);

        CheckPatterns(config, problems);
        return config;
    }

    private static JsonDocument Parse(string file)
    {
        using var stream = InputFile.Open(file);
        if (stream.Length > MaxBytes)
            throw new LoraOpsException(AdapterProblems.ConfigInvalid(file, $"has {stream.Length} bytes; at most {MaxBytes} are allowed"));

        try
        {
            return JsonDocument.Parse(stream, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
        }
        catch (JsonException error)
        {
            throw new LoraOpsException(AdapterProblems.ConfigInvalid(file, $"is no valid JSON: {error.Message}"));
        }
    }

    private static void CheckMethod(string file, string? peftType)
    {
        if (peftType is null)
            throw new LoraOpsException(AdapterProblems.ConfigInvalid(file, "names no peft_type"));

        if (AdapterMethods.Reads(peftType))
            return;

        throw new LoraOpsException(AdapterMethods.Refused.TryGetValue(peftType, out var reason)
            ? AdapterProblems.MethodRefused(file, peftType, reason)
            : AdapterProblems.MethodUnknown(
                file, peftType, NearMisses.Phrase(peftType, AdapterMethods.All.Select(method => method.PeftType).Concat(AdapterMethods.Refused.Keys))));
    }

    private static void CheckFields(string file, JsonElement root, ICollection<Problem> problems)
    {
        foreach (var field in root.EnumerateObject().Where(field => !JsonFields.IsBlank(field.Value)))
        {
            if (ConfigFields.Refused.TryGetValue(field.Name, out var refusal))
                problems.Add(AdapterProblems.VariantRefused(file, field.Name, refusal.Reason, refusal.Advice));
            else if (!ConfigFields.Known.Contains(field.Name))
                problems.Add(AdapterProblems.FieldUnknown(
                    file, field.Name, JsonFields.Shown(field.Value), NearMisses.Phrase(field.Name, ConfigFields.Known)));
        }
    }

    private static AdapterConfig Make(JsonFields fields, string initialization) => new()
    {
        PeftType = fields.Text("peft_type")!,
        Rank = fields.Count("r"),
        Alpha = fields.Number("lora_alpha"),
        UsesRsLora = fields.Flag("use_rslora"),
        UsesDora = fields.Flag("use_dora"),
        FanInFanOut = fields.Flag("fan_in_fan_out"),
        RankPattern = fields.Counts("rank_pattern"),
        AlphaPattern = fields.Numbers("alpha_pattern"),
        Bias = fields.Text("bias") ?? "none",
        ModulesToSave = [.. fields.Texts("modules_to_save").Distinct(StringComparer.Ordinal)],
        TargetModules = fields.Texts("target_modules"),
        Initialization = initialization,
        TiesWeights = fields.Flag("ensure_weight_tying"),
        BaseModel = fields.Text("base_model_name_or_path"),
        PeftVersion = fields.Text("peft_version"),
    };

    private static string Initialization(JsonElement root)
    {
        if (!root.TryGetProperty("init_lora_weights", out var value) || value.ValueKind == JsonValueKind.Null)
            return "true";

        return value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
    }

    private static void CheckInitialization(string file, string initialization, ICollection<Problem> problems)
    {
        if (ConfigFields.ChangesBase(initialization))
            problems.Add(AdapterProblems.ResidualBaseNeeded(file, initialization));
        else if (!ConfigFields.PlainInitializations.Contains(initialization))
            problems.Add(AdapterProblems.InitializationUnknown(file, initialization));
    }

    private static void CheckPatterns(AdapterConfig config, ICollection<Problem> problems)
    {
        try
        {
            ModulePattern.Find(config.RankPattern, new ModuleName("m"));
            ModulePattern.Find(config.AlphaPattern, new ModuleName("m"));
        }
        catch (LoraOpsException error)
        {
            foreach (var problem in error.Problems)
                problems.Add(problem);
        }
    }
}
