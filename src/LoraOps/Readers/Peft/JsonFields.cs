using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Readers.Peft;

/// <summary>The fields of a JSON object by name; a field of the wrong kind becomes a problem and counts as absent.</summary>
internal sealed class JsonFields(JsonElement root, string file, ICollection<Problem> problems)
{
    private const int MostPatterns = 10_000;

    /// <summary>True for null, false, 0, "", [] and {}: values that mean the field is not in use.</summary>
    public static bool IsBlank(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.False => true,
        JsonValueKind.Number => value.TryGetDouble(out var number) && number == 0,
        JsonValueKind.String => value.GetString()!.Length == 0,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => !value.EnumerateObject().Any(),
        _ => false,
    };

    public bool Flag(string field) => Kind(field, value => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => (bool?)null,
    }, "true or false") ?? false;

    public double Number(string field) =>
        Required(field, Kind(field, value => Finite(value), "a finite number"));

    public int Count(string field) =>
        Required(field, Kind(field, value => Positive(value), "a whole number from 1"));

    public string? Text(string field)
    {
        if (Find(field) is not { } value)
            return null;

        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();

        Complain(field, value, "a text");
        return null;
    }

    /// <summary>A list of texts, or one text.</summary>
    public IReadOnlyList<string> Texts(string field)
    {
        if (Find(field) is not { } value)
            return [];

        if (value.ValueKind == JsonValueKind.String)
            return [value.GetString()!];

        if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
            return [.. value.EnumerateArray().Select(item => item.GetString()!)];

        Complain(field, value, "a list of texts");
        return [];
    }

    public IReadOnlyList<KeyValuePair<string, int>> Counts(string field) => Patterns(field, Positive, "whole numbers from 1");

    public IReadOnlyList<KeyValuePair<string, double>> Numbers(string field) => Patterns(field, Finite, "finite numbers");

    private List<KeyValuePair<string, T>> Patterns<T>(string field, Func<JsonElement, T?> read, string allowed)
        where T : struct
    {
        if (Find(field) is not { } value)
            return [];

        var pairs = value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().ToList() : null;
        if (pairs is { Count: <= MostPatterns } && pairs.TrueForAll(pair => read(pair.Value) is not null))
            return pairs.ConvertAll(pair => KeyValuePair.Create(pair.Name, read(pair.Value)!.Value));

        Complain(field, value, $"an object of at most {MostPatterns} {allowed}");
        return [];
    }

    private static double? Finite(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : null;

    private static int? Positive(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number > 0 ? number : null;

    private T? Kind<T>(string field, Func<JsonElement, T?> read, string allowed)
        where T : struct
    {
        if (Find(field) is not { } value)
            return null;

        var result = read(value);
        if (result is null)
            Complain(field, value, allowed);

        return result;
    }

    private T Required<T>(string field, T? value)
        where T : struct
    {
        if (value is null && Find(field) is null)
            problems.Add(AdapterProblems.ConfigInvalid(file, $"field '{field}' is missing: the scale depends on it"));

        return value ?? default;
    }

    private JsonElement? Find(string field) =>
        root.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    private void Complain(string field, JsonElement value, string allowed) =>
        problems.Add(AdapterProblems.ConfigInvalid(file, $"field '{field}' is {Shown(value)}; {allowed} is allowed"));

    /// <summary>A value as a message shows it.</summary>
    public static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= 60 ? text : $"{text[..57]}...";
    }
}
