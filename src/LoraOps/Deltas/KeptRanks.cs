using System.Text.Json;
using LoraOps.Adapters;

namespace LoraOps.Deltas;

/// <summary>AdaLoRA's rank_pattern: for each module a list of booleans, one for each initial rank, true if it was kept.</summary>
internal static class KeptRanks
{
    private const string Field = "rank_pattern";
    private const string Suffix = ".lora_E";
    private const string Prefix = "base_model.model.";
    private const int MostRanks = 1 << 16;

    /// <summary>Tells the config's problems, once.</summary>
    public static void Check(AdapterConfig config)
    {
        if (config.Values.Raw(Field) is { } value && !IsPattern(value))
            config.Values.Complain(Field, value, "an object of lists of true or false");
    }

    /// <summary>What was kept of a module's ranks, or null if the config does not say.</summary>
    public static bool[]? Of(AdapterConfig config, ModuleName module) =>
        config.Values.Raw(Field) is { } value && IsPattern(value)
            ? value.EnumerateObject().Where(pair => Module(pair.Name) == module.Value)
                .Select(pair => pair.Value.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.True).ToArray())
                .FirstOrDefault()
            : null;

    private static bool IsPattern(JsonElement value) => value.ValueKind == JsonValueKind.Object &&
        value.EnumerateObject().All(pair => pair.Value.ValueKind == JsonValueKind.Array && pair.Value.GetArrayLength() <= MostRanks &&
            pair.Value.EnumerateArray().All(item => item.ValueKind is JsonValueKind.True or JsonValueKind.False));

    // Some versions left the prefix or the adapter's name in the key.
    private static string Module(string key)
    {
        var end = key.LastIndexOf(Suffix, StringComparison.Ordinal);
        var name = end >= 0 ? key[..end] : key;
        return name.StartsWith(Prefix, StringComparison.Ordinal) ? name[Prefix.Length..] : name;
    }
}
