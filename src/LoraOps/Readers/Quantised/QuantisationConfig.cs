using System.Text.Json.Nodes;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>What the <c>quantization_config</c> of a model's config.json says (transformers' format), as far as it is understood.</summary>
/// <param name="Method"><c>bitsandbytes</c>, <c>gptq</c>, <c>awq</c> …, in lower case.</param>
/// <param name="Bits">Bits of a code, or null.</param>
/// <param name="GroupSize">Inputs that share a scale, −1 for all; or null.</param>
/// <param name="Format">GPTQ's checkpoint_format, AWQ's version; in lower case; or null.</param>
/// <param name="Type">The type that the model computes in, or null.</param>
public sealed record QuantisationConfig(string Method, int? Bits, int? GroupSize, string? Format, ElementType? Type)
{
    /// <summary>The field of config.json.</summary>
    public const string Field = "quantization_config";

    /// <summary>What a config says; null if it is not that of a quantised model.</summary>
    /// <param name="config">The config.json.</param>
    /// <param name="section">The part of it that holds the field.</param>
    public static QuantisationConfig? Of(JsonObject config, JsonObject section)
    {
        if (section[Field] is not JsonObject fields)
            return null;

        // Before transformers 4.33 only bitsandbytes had such a config, without a name.
        var method = Text(fields, "quant_method") ?? "bitsandbytes";
        return new QuantisationConfig(
            method,
            Number(fields, "bits"),
            Number(fields, "group_size"),
            Text(fields, "checkpoint_format") ?? Text(fields, "version"),
            TypeOf(Text(section, "torch_dtype") ?? Text(section, "dtype") ?? Text(config, "torch_dtype") ?? Text(config, "dtype")));
    }

    /// <summary>The type of torch's name, <c>bfloat16</c> or <c>torch.bfloat16</c>; null for any but the three that weights have.</summary>
    public static ElementType? TypeOf(string? name) => (name?.StartsWith("torch.", StringComparison.Ordinal) == true ? name[6..] : name) switch
    {
        "bfloat16" => ElementType.BF16,
        "float16" => ElementType.F16,
        "float32" => ElementType.F32,
        _ => null,
    };

    /// <summary>Torch's name of a type.</summary>
    public static string NameOf(ElementType type) => type switch
    {
        ElementType.BF16 => "bfloat16",
        ElementType.F16 => "float16",
        _ => "float32",
    };

    private static string? Text(JsonObject fields, string name) =>
        fields[name] is JsonValue value && value.TryGetValue(out string? text) ? text.ToLowerInvariant() : null;

    private static int? Number(JsonObject fields, string name) =>
        fields[name] is JsonValue value && value.TryGetValue(out int number) ? number : null;
}
