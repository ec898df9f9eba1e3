using LoraOps.Problems;

namespace LoraOps.Recipes.Reading;

/// <summary>Reads <c>adapters</c>: each takes from <c>defaults</c> what it does not say itself.</summary>
internal sealed class AdapterReader(RecipeSource source, RecipeFields root, bool demandsExpected)
{
    /// <summary>What a name may be, as the end of a message.</summary>
    public const string NameRule = "a name is letters, digits, '.', '_' and '-', at most 80, and begins with a letter or digit";

    private const int MaxNameLength = 80;
    private const string Placeholder = "{adapter}";
    private static readonly string[] _keys = ["path", "calibration", "evaluation", "expected"];

    /// <summary>True if the text can be a part of a folder's name everywhere.</summary>
    public static bool IsName(string text) =>
        text.Length is > 0 and <= MaxNameLength && char.IsAsciiLetterOrDigit(text[0]) && text[^1] != '.'
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>All adapters; mistakes go to the source.</summary>
    public List<RecipeAdapter> Read()
    {
        var defaults = Defaults();
        var fields = root.Map("adapters", demanded: !root.Entries.Any(entry => entry.Key == "mixes"));
        var adapters = new List<RecipeAdapter>();
        foreach (var entry in fields.Entries)
        {
            if (!IsName(entry.Key))
                source.Add(RecipeProblems.ValueWrong(source.At(entry.Line), "adapters", $"names an adapter '{entry.Key}'; {NameRule}"));
            else if (fields.Entries.First(other => Same(other.Key, entry.Key)) is var first && first != entry)
                source.Add(RecipeProblems.KeyTwice(source.At(entry.Line), $"adapters.{entry.Key}", first.Line));
            else if (Adapter(entry, defaults) is { } adapter)
                adapters.Add(adapter);
        }

        if (fields.Entries.Count == 0 && root.Entries.Any(entry => entry is { Key: "adapters", Value: YamlMap }))
            source.Add(RecipeProblems.KeyMissing(source.At(fields.Line), "adapters"));

        return [.. adapters, .. new MixReader(source, root, adapters).Read()];
    }

    // Two names that differ in capitals only would be one folder on some systems.
    private static bool Same(string a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    private Dictionary<string, YamlText> Defaults()
    {
        var fields = root.Map("defaults");
        var defaults = new Dictionary<string, YamlText>(StringComparer.Ordinal);
        foreach (var key in _keys)
        {
            if (fields.Text(key) is { } text && IsPattern(text, $"defaults.{key}"))
                defaults.Add(key, text);
        }

        fields.RefuseOthers();
        return defaults;
    }

    private bool IsPattern(YamlText text, string name)
    {
        var rest = text.Text.Replace(Placeholder, "", StringComparison.Ordinal);
        if (rest.AsSpan().IndexOfAny('{', '}') < 0)
            return true;

        source.Add(RecipeProblems.ValueWrong(source.At(text.Line), name, $"is '{text.Text}'; the only placeholder is {Placeholder}"));
        return false;
    }

    private RecipeAdapter? Adapter(YamlEntry entry, Dictionary<string, YamlText> defaults)
    {
        var name = $"adapters.{entry.Key}";
        var fields = new RecipeFields(source, name, entry.Value);
        var paths = _keys.ToDictionary(key => key, key => PathOf(fields, key, entry, defaults));
        fields.RefuseOthers();
        if (paths["path"] is not { } path || paths["calibration"] is not { } calibration || paths["evaluation"] is not { } evaluation)
            return null;

        return new RecipeAdapter
        {
            Name = entry.Key,
            Line = entry.Line,
            Path = path,
            Calibration = Data(calibration),
            Evaluation = Data(evaluation),
            Expected = paths["expected"],
        };
    }

    private static RecipeData Data(Written<string> path) => new([path.Value], path.Line);

    private Written<string>? PathOf(RecipeFields fields, string key, YamlEntry entry, Dictionary<string, YamlText> defaults)
    {
        var name = $"adapters.{entry.Key}.{key}";
        if (fields.Take(key) is { } own)
            return source.Existing(source.Text(own, name), name);

        if (defaults.TryGetValue(key, out var pattern))
            return source.Existing(pattern.Text.Replace(Placeholder, entry.Key, StringComparison.Ordinal), entry.Line, name);

        // Without a record there is nothing that the gates of the conversion could be held against.
        if (key != "expected" || demandsExpected)
            source.Add(RecipeProblems.KeyMissing(source.At(entry.Line), name));

        return null;
    }
}
