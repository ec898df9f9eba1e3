using System.Text.Json;
using LoraOps.Problems;

namespace LoraOps.Adapters;

/// <summary>
/// The fields of an <c>adapter_config.json</c> by name. A field that is absent or null has the fallback's value; one of the wrong
/// kind becomes a problem, told once, and counts as absent.
/// </summary>
/// <param name="root">The JSON object; it must outlive this.</param>
/// <param name="file">The file, for messages.</param>
/// <param name="problems">Receives what is wrong.</param>
public sealed class ConfigValues(JsonElement root, string file, ICollection<Problem> problems)
{
    private const int MostPatterns = 10_000;
    private const int LongestShown = 60;
    private readonly HashSet<string> _complained = new(StringComparer.Ordinal);

    /// <summary>An object without fields.</summary>
    public static ConfigValues None { get; } = new(JsonDocument.Parse("{}").RootElement, "", []);

    /// <summary>The file, for messages.</summary>
    public string File => file;

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

    /// <summary>A value as a message shows it.</summary>
    public static string Shown(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= LongestShown ? text : $"{text[..(LongestShown - 3)]}...";
    }

    /// <summary>The field as it is, or null if it is absent or null.</summary>
    public JsonElement? Raw(string field) =>
        root.ValueKind == JsonValueKind.Object && root.TryGetProperty(field, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    /// <summary>True or false.</summary>
    public bool Flag(string field, bool fallback = false) => Of(field, value => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => (bool?)null,
    }, "true or false") ?? fallback;

    /// <summary>A finite number.</summary>
    public double Number(string field, double fallback) => Of(field, Finite, "a finite number") ?? fallback;

    /// <summary>A whole number from <paramref name="least"/>.</summary>
    public int Count(string field, int fallback, int least = 1) =>
        Of(field, value => Whole(value, least), $"a whole number from {least}") ?? fallback;

    /// <summary>A text, or null.</summary>
    public string? Text(string field)
    {
        if (Raw(field) is not { } value)
            return null;

        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();

        Complain(field, value, "a text");
        return null;
    }

    /// <summary>A list of texts, or one text.</summary>
    public IReadOnlyList<string> Texts(string field)
    {
        if (Raw(field) is not { } value)
            return [];

        if (value.ValueKind == JsonValueKind.String)
            return [value.GetString()!];

        if (value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.String))
            return [.. value.EnumerateArray().Select(item => item.GetString()!)];

        Complain(field, value, "a list of texts");
        return [];
    }

    /// <summary>An object of whole numbers from 1, in file order.</summary>
    public IReadOnlyList<KeyValuePair<string, int>> Counts(string field) =>
        Patterns(field, value => Whole(value, 1), "whole numbers from 1");

    /// <summary>An object of finite numbers, in file order.</summary>
    public IReadOnlyList<KeyValuePair<string, double>> Numbers(string field) => Patterns(field, Finite, "finite numbers");

    /// <summary>Adds the problem that a field is not what is allowed, once.</summary>
    public void Complain(string field, JsonElement value, string allowed)
    {
        if (_complained.Add(field))
            problems.Add(AdapterProblems.ConfigInvalid(file, $"field '{field}' is {Shown(value)}; {allowed} is allowed"));
    }

    private List<KeyValuePair<string, T>> Patterns<T>(string field, Func<JsonElement, T?> read, string allowed)
        where T : struct
    {
        if (Raw(field) is not { } value)
            return [];

        var pairs = value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().ToList() : null;
        if (pairs is { Count: <= MostPatterns } && pairs.TrueForAll(pair => read(pair.Value) is not null))
            return pairs.ConvertAll(pair => KeyValuePair.Create(pair.Name, read(pair.Value)!.Value));

        Complain(field, value, $"an object of at most {MostPatterns} {allowed}");
        return [];
    }

    private T? Of<T>(string field, Func<JsonElement, T?> read, string allowed)
        where T : struct
    {
        if (Raw(field) is not { } value)
            return null;

        var result = read(value);
        if (result is null)
            Complain(field, value, allowed);

        return result;
    }

    private static double? Finite(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) && double.IsFinite(number) ? number : null;

    private static int? Whole(JsonElement value, int least) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number >= least ? number : null;
}
