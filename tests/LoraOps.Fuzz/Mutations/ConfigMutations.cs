using System.Text.Json;
using System.Text.Json.Nodes;
using LoraOps.Deltas;

namespace LoraOps.Fuzz.Mutations;

/// <summary>Gives fields of adapter_config.json values that are valid JSON and mean something else.</summary>
public static class ConfigMutations
{
    private static readonly string[] Fields =
    [
        .. AdapterMethods.All.SelectMany(method => method.Fields).Concat(
            ["bias", "fan_in_fan_out", "modules_to_save", "target_modules", "peft_type", "init_weights", "target_parameters", "trainable_token_indices"])
            .Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal),
    ];

    private static readonly string[] Types =
        [.. AdapterMethods.All.Select(method => method.PeftType)
            .Concat(AdapterMethods.Refused.Keys).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>A changed copy; the same bytes if they are no JSON object.</summary>
    public static byte[] Mutate(byte[] json, Random random)
    {
        try
        {
            if (JsonNode.Parse(json) is not JsonObject config)
                return json;

            var own = config.Select(field => field.Key).ToArray();
            var field = own.Length > 0 && random.Next(2) == 0 ? own[random.Next(own.Length)] : Fields[random.Next(Fields.Length)];
            config[field] = field == "peft_type" ? Types[random.Next(Types.Length)] : Value(random);
            return JsonSerializer.SerializeToUtf8Bytes(config);
        }
        catch (Exception error) when (error is JsonException or ArgumentException or InvalidOperationException)
        {
            return json;
        }
    }

    private static JsonNode? Value(Random random) => random.Next(14) switch
    {
        0 => null,
        1 => true,
        2 => false,
        3 => 0,
        4 => -1,
        5 => random.Next(1, 9),
        6 => int.MaxValue,
        7 => 1e308,
        8 => random.NextDouble(),
        9 => new[] { "all", "none", "lora_only", "bat", "mini", "true", "default", "db1", "pissa" }[random.Next(9)],
        10 => new JsonArray(random.Next(4), random.Next(4)),
        11 => new JsonArray("fc", "q", "lm_head"),
        12 => new JsonObject { ["q|fc|.*"] = random.Next(5) },
        _ => new JsonObject { [""] = new JsonArray(0, 1) },
    };
}
