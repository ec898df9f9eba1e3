using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using LoraOps.Problems;

namespace LoraOps.Onnx.Chips;

/// <summary>The fields of one JSON object, taken one by one; what is missing or wrong is noted and read as a default.</summary>
internal sealed class JsonFields(string file, string prefix, JsonElement element, List<Problem> problems)
{
    private readonly HashSet<string> _taken = new(StringComparer.Ordinal);

    /// <summary>True for a field that is given; for those that may be left out.</summary>
    public bool Has(string name) => element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out _);

    public JsonFields Object(string name) =>
        new(file, $"{prefix}{name}.", Take(name, JsonValueKind.Object, "an object") ?? default, problems);

    public string Text(string name) => Take(name, JsonValueKind.String, "a text")?.GetString() ?? "";

    public double Number(string name) =>
        Take(name, JsonValueKind.Number, "a number") is { } value && value.TryGetDouble(out var number) ? number : 0;

    public bool Flag(string name)
    {
        if (Find(name) is not { } value)
            return false;

        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            Add(name, "must be true or false");

        return value.ValueKind == JsonValueKind.True;
    }

    public long Integer(string name)
    {
        if (Take(name, JsonValueKind.Number, "a whole number") is not { } value)
            return 0;

        if (value.TryGetInt64(out var number) && number > 0)
            return number;

        Add(name, "must be a whole number above 0");
        return 0;
    }

    public IReadOnlyList<string> Texts(string name)
    {
        if (Take(name, JsonValueKind.Array, "a list of texts") is not { } value)
            return [];

        if (value.EnumerateArray().Any(item => item.ValueKind != JsonValueKind.String))
            Add(name, "must be a list of texts");

        return [.. value.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.String).Select(item => item.GetString() ?? "")];
    }

    public T Choice<T>(string name)
        where T : struct, Enum => Find(name) is { } value ? Choose<T>(name, value) : default;

    public IReadOnlyList<T> ChoiceList<T>(string name)
        where T : struct, Enum =>
        Take(name, JsonValueKind.Array, "a list") is { } value ? [.. value.EnumerateArray().Select(item => Choose<T>(name, item))] : [];

    public IReadOnlyDictionary<string, T> Choices<T>(string name)
        where T : struct, Enum => Map(name, Choose<T>);

    public IReadOnlyDictionary<string, string> TextMap(string name) => Map(name, (field, value) =>
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString() ?? "";

        Add(field, "must be a text");
        return "";
    });

    public IReadOnlyDictionary<string, FixedRange> Ranges(string name) => Map(name, (field, value) =>
    {
        if (value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2
            && value.EnumerateArray().All(item => item.ValueKind == JsonValueKind.Number)
            && new FixedRange(value[0].GetSingle(), value[1].GetSingle()) is var range
            && float.IsFinite(range.Min) && float.IsFinite(range.Max) && range.Min < range.Max)
        {
            return range;
        }

        Add(field, "must be two finite numbers, the smaller one first");
        return default;
    });

    /// <summary>What files call a choice: its name in kebab-case, or the one that an attribute gives it.</summary>
    public static string NameOf<T>(T choice)
        where T : struct, Enum =>
        typeof(T).GetField(choice.ToString())?.GetCustomAttribute<JsonStringEnumMemberNameAttribute>()?.Name
        ?? JsonNamingPolicy.KebabCaseLower.ConvertName(choice.ToString());

    public void RefuseOthers()
    {
        if (element.ValueKind != JsonValueKind.Object)
            return;

        foreach (var property in element.EnumerateObject().Where(property => !_taken.Contains(property.Name)))
            Add(property.Name, "is unknown");
    }

    private T Choose<T>(string name, JsonElement value)
        where T : struct, Enum
    {
        var text = value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        foreach (var choice in Enum.GetValues<T>())
        {
            if (NameOf(choice) == text)
                return choice;
        }

        Add(name, $"must be one of {string.Join(", ", Enum.GetValues<T>().Select(NameOf))}");
        return default;
    }

    private SortedDictionary<string, T> Map<T>(string name, Func<string, JsonElement, T> read)
    {
        var map = new SortedDictionary<string, T>(StringComparer.Ordinal);
        if (Take(name, JsonValueKind.Object, "an object") is { } value)
        {
            foreach (var property in value.EnumerateObject())
                map[property.Name] = read($"{name}.{property.Name}", property.Value);
        }

        return map;
    }

    private JsonElement? Take(string name, JsonValueKind kind, string wanted)
    {
        if (Find(name) is not { } value)
            return null;

        if (value.ValueKind == kind)
            return value;

        Add(name, $"must be {wanted}");
        return null;
    }

    private JsonElement? Find(string name)
    {
        _taken.Add(name);
        if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value))
            return value;

        // A missing object is one problem, not one per field of it.
        if (element.ValueKind == JsonValueKind.Object || prefix.Length == 0)
            Add(name, "is missing");

        return null;
    }

    private void Add(string name, string what) => problems.Add(ChipProblems.ProfileInvalid(file, prefix + name, what));
}
