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
        // Not disposed: methods ask the config for their fields as long as it lives.
        var document = Parse(file);
        try
        {
            // A text is decoded when it is asked for: only then is seen that it is no Unicode.
            Decode(document.RootElement);
            return Read(document.RootElement, file, residualBase, problems);
        }
        catch (InvalidOperationException error)
        {
            throw new LoraOpsException(AdapterProblems.ConfigInvalid(file, $"holds a broken text: {error.Message}"));
        }
    }

    /// <summary>The config of these fields, which must outlive it.</summary>
    /// <exception cref="LoraOpsException">They are no JSON object, or their peft_type is not read.</exception>
    public static AdapterConfig Read(JsonElement root, string file, bool residualBase, ICollection<Problem> problems)
    {
        if (root.ValueKind != JsonValueKind.Object)
            throw new LoraOpsException(AdapterProblems.ConfigInvalid(file, "is no JSON object"));

        var values = new ConfigValues(root, file, problems);
        CheckMethod(file, values.Text("peft_type"));
        var config = Make(values, Initialization(root));
        CheckFields(file, root, config, problems);
        if (config.Bias is not ("none" or "all") && !config.TrainsOwnBias)
            problems.Add(AdapterProblems.ConfigInvalid(file, $"field 'bias' is '{config.Bias}'; none, all or lora_only is allowed"));

        if (!residualBase && config.PeftType == "LORA")
            CheckInitialization(file, config.Initialization, problems);

        CheckPatterns(config, file, problems);
        return config;
    }

    private static void Decode(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.String)
        {
            element.GetString();
        }
        else if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
                Decode(item);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            foreach (var (_, value) in element.EnumerateObject().Select(field => (field.Name, field.Value)))
                Decode(value);
        }
    }

    private static JsonDocument Parse(string file)
    {
        var bytes = InputFile.ReadAll(
            file, MaxBytes, length => AdapterProblems.ConfigInvalid(file, $"has {length} bytes; at most {MaxBytes} are allowed"));
        try
        {
            JsonLiterals.Check(bytes);
            return JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowDuplicateProperties = false });
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new LoraOpsException(AdapterProblems.ConfigInvalid(file, $"is no valid JSON: {error.Message}"));
        }
    }

    private static void CheckMethod(string file, string? peftType)
    {
        if (peftType is null)
            throw new LoraOpsException(AdapterProblems.ConfigInvalid(file, "names no peft_type"));

        if (AdapterMethods.Of(peftType).Any())
            return;

        throw new LoraOpsException(AdapterMethods.Refused.TryGetValue(peftType, out var reason)
            ? AdapterProblems.MethodRefused(file, peftType, reason)
            : AdapterProblems.MethodUnknown(
                file, peftType, NearMisses.Phrase(peftType, AdapterMethods.All.Select(method => method.PeftType).Concat(AdapterMethods.Refused.Keys))));
    }

    private static void CheckFields(string file, JsonElement root, AdapterConfig config, ICollection<Problem> problems)
    {
        var known = ConfigFields.Shared.Concat(AdapterMethods.Of(config.PeftType).SelectMany(method => method.Fields)).ToHashSet(StringComparer.Ordinal);
        foreach (var field in root.EnumerateObject().Where(field => !ConfigValues.IsBlank(field.Value) && !known.Contains(field.Name)))
        {
            if (config.PeftType == "LORA" && ConfigFields.Refused.TryGetValue(field.Name, out var refusal))
                problems.Add(AdapterProblems.VariantRefused(file, field.Name, refusal.Reason, refusal.Advice));
            else
                problems.Add(AdapterProblems.FieldUnknown(
                    file, field.Name, ConfigValues.Shown(field.Value), NearMisses.Phrase(field.Name, known)));
        }
    }

    private static AdapterConfig Make(ConfigValues values, string initialization) => new()
    {
        PeftType = values.Text("peft_type")!,
        Rank = values.Count("r", 8, least: values.Text("peft_type") == "LORA" ? 1 : 0),
        Alpha = values.Number("lora_alpha", 8),
        UsesRsLora = values.Flag("use_rslora"),
        UsesDora = values.Flag("use_dora"),
        FanInFanOut = values.Flag("fan_in_fan_out"),
        RankPattern = values.Text("peft_type") == "ADALORA" ? [] : values.Counts("rank_pattern"),
        AlphaPattern = values.Numbers("alpha_pattern"),
        Bias = values.Text("bias") ?? "none",
        ModulesToSave = [.. values.Texts("modules_to_save").Distinct(StringComparer.Ordinal)],
        TargetModules = values.Texts("target_modules"),
        Initialization = initialization,
        TiesWeights = values.Flag("ensure_weight_tying"),
        BaseModel = values.Text("base_model_name_or_path"),
        Values = values,
        PeftVersion = values.Text("peft_version"),
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

    private static void CheckPatterns(AdapterConfig config, string file, ICollection<Problem> problems)
    {
        try
        {
            ModulePattern.Find(config.RankPattern, new ModuleName("m"));
            ModulePattern.Find(config.AlphaPattern, new ModuleName("m"));
        }
        catch (LoraOpsException error)
        {
            // Every module would meet it again.
            throw new LoraOpsException([.. problems, .. error.Problems.Select(problem => problem with { Where = file })]);
        }
    }
}
