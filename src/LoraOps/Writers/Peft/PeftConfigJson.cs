using System.Buffers;
using System.Text.Json;
using System.Text.RegularExpressions;
using LoraOps.Adapters;

namespace LoraOps.Writers.Peft;

/// <summary>
/// The adapter_config.json of a written adapter: only fields that PEFT has had since rank_pattern and alpha_pattern (0.5), and
/// newer ones where they are in use, so that old servers read it too.
/// </summary>
internal static class PeftConfigJson
{
    /// <summary>The file's bytes: keys in ordinal order, lists as they are.</summary>
    public static byte[] Encode(PeftFields fields, IReadOnlyList<WrittenModule> modules, IReadOnlyList<Replacement> replacements)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            json.WriteStartObject();
            foreach (var (name, write) in Fields(fields, modules, replacements).OrderBy(field => field.Name, StringComparer.Ordinal))
            {
                json.WritePropertyName(name);
                write(json);
            }

            json.WriteEndObject();
        }

        return [.. buffer.WrittenSpan, (byte)'\n'];
    }

    private static IEnumerable<(string Name, Action<Utf8JsonWriter> Write)> Fields(
        PeftFields fields, IReadOnlyList<WrittenModule> modules, IReadOnlyList<Replacement> replacements)
    {
        var names = replacements.Where(replacement => !replacement.IsBias).Select(replacement => replacement.Module.Value).ToHashSet();

        // A saved module brings what is below it.
        var saved = names.Where(name => !names.Any(other => name.StartsWith($"{other}.", StringComparison.Ordinal))).Order(StringComparer.Ordinal).ToList();
        yield return ("alpha_pattern", json => Write(json, new Dictionary<string, int>()));
        yield return ("base_model_name_or_path", json => json.WriteStringValue(fields.BaseModel));
        yield return ("bias", json => json.WriteStringValue(fields.Bias));
        yield return ("fan_in_fan_out", json => json.WriteBooleanValue(fields.FanInFanOut));
        yield return ("inference_mode", json => json.WriteBooleanValue(true));
        yield return ("init_lora_weights", json => json.WriteBooleanValue(true));
        yield return ("lora_alpha", json => json.WriteNumberValue(fields.Rank));
        yield return ("lora_dropout", json => json.WriteNumberValue(0));
        yield return ("modules_to_save", json => Write(json, saved.Count > 0 ? saved : null));
        yield return ("peft_type", json => json.WriteStringValue("LORA"));
        yield return ("r", json => json.WriteNumberValue(fields.Rank));
        yield return ("rank_pattern", json => Write(json, RankPattern(fields, modules)));
        yield return ("target_modules", json => Write(json, modules.Select(module => module.Name.Value).Order(StringComparer.Ordinal)));
        yield return ("task_type", json => json.WriteStringValue(fields.TaskType));
        yield return ("use_rslora", json => json.WriteBooleanValue(false));
        if (modules.Any(module => module.Magnitude is not null))
            yield return ("use_dora", json => json.WriteBooleanValue(true));

        if (fields.TiesWeights)
            yield return ("ensure_weight_tying", json => json.WriteBooleanValue(true));

        if (modules.Any(module => module.Bias is not null))
            yield return ("lora_bias", json => json.WriteBooleanValue(true));
    }

    private static void Write(Utf8JsonWriter json, IEnumerable<string>? texts)
    {
        if (texts is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartArray();
        foreach (var text in texts)
            json.WriteStringValue(text);

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, Dictionary<string, int> ranks)
    {
        json.WriteStartObject();
        foreach (var (pattern, rank) in ranks)
            json.WriteNumber(pattern, rank);

        json.WriteEndObject();
    }

    // PEFT matches a key against the end of a name, so one that is also the end of another layer's is anchored.
    private static Dictionary<string, int> RankPattern(PeftFields fields, IReadOnlyList<WrittenModule> modules)
    {
        var ends = modules.SelectMany(module => Ends(module.Name.Value)).ToHashSet(StringComparer.Ordinal);
        return modules.Where(module => module.Rank != fields.Rank).OrderBy(module => module.Name)
            .ToDictionary(module => Pattern(module.Name.Value, ends.Contains(module.Name.Value)), module => module.Rank);
    }

    private static string Pattern(string name, bool isEndOfAnother)
    {
        var escaped = name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-') ? name : Regex.Escape(name);
        return isEndOfAnother ? $"^{escaped}" : escaped;
    }

    private static IEnumerable<string> Ends(string name)
    {
        for (var dot = name.IndexOf('.', StringComparison.Ordinal); dot >= 0; dot = name.IndexOf('.', dot + 1))
            yield return name[(dot + 1)..];
    }
}
