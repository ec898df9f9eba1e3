using LoraOps.Problems;

namespace LoraOps.Recipes.Reading;

/// <summary>
/// The keys of one mapping: each is taken once, and what nobody took is an unknown key. Mistakes are collected, and reading
/// goes on so that the user sees all of them.
/// </summary>
internal sealed class RecipeFields
{
    private readonly RecipeSource _source;
    private readonly string _where;
    private readonly List<YamlEntry> _entries = [];
    private readonly List<string> _known = [];

    /// <param name="source">The file, and where mistakes go.</param>
    /// <param name="where">What the mapping is, for messages; empty for the recipe itself.</param>
    /// <param name="value">The mapping; anything else is a mistake, nothing at all an empty mapping.</param>
    public RecipeFields(RecipeSource source, string where, YamlValue value)
    {
        _source = source;
        _where = where;
        Line = value.Line;
        if (value is YamlMap map)
            AddOnce(map);
        else if (value is not YamlText { IsEmpty: true })
            source.Add(RecipeProblems.ValueWrong(source.At(value.Line), Name("the recipe"), $"is {value.Kind}, not a mapping of keys"));
    }

    /// <summary>The line that the mapping begins on.</summary>
    public int Line { get; }

    /// <summary>Its entries, in file order, without those of a key that is there already.</summary>
    public IReadOnlyList<YamlEntry> Entries => _entries;

    /// <summary>The value of a key, or null.</summary>
    public YamlValue? Take(string key)
    {
        _known.Add(key);
        return _entries.Find(entry => entry.Key == key)?.Value;
    }

    /// <summary>The value of a key; it is a mistake to leave it out.</summary>
    public YamlValue? Demand(string key)
    {
        var value = Take(key);
        if (value is null or YamlText { IsEmpty: true })
        {
            _source.Add(RecipeProblems.KeyMissing(_source.At(value?.Line ?? Line), Path(key)));
            return null;
        }

        return value;
    }

    /// <summary>A text, or null if it is not there or a mistake.</summary>
    public YamlText? Text(string key, bool demanded = false)
    {
        var value = demanded ? Demand(key) : Take(key);
        return value is null ? null : _source.Text(value, Path(key));
    }

    /// <summary>The texts of a list; empty if it is not there or a mistake.</summary>
    public IReadOnlyList<YamlText> Texts(string key, bool demanded = false)
    {
        var value = demanded ? Demand(key) : Take(key);
        if (value is YamlList list)
            return [.. list.Items.Select(item => _source.Text(item, Path(key))).OfType<YamlText>()];

        if (value is not null)
            _source.Add(RecipeProblems.ValueWrong(_source.At(value.Line), Path(key), $"is {value.Kind}, not a list"));

        return [];
    }

    /// <summary>A mapping below; an empty one if it is not there or a mistake.</summary>
    public RecipeFields Map(string key, bool demanded = false) =>
        new(_source, Path(key), (demanded ? Demand(key) : Take(key)) ?? new YamlMap(Line, []));

    /// <summary>Every key that nobody took is unknown.</summary>
    public void RefuseOthers()
    {
        foreach (var entry in _entries.Where(entry => !_known.Contains(entry.Key)))
            _source.Add(RecipeProblems.KeyUnknown(_source.At(entry.Line), Path(entry.Key), NearMisses.Phrase(entry.Key, _known), _known));
    }

    private string Path(string key) => _where.Length == 0 ? key : $"{_where}.{key}";

    private string Name(string whole) => _where.Length == 0 ? whole : _where;

    private void AddOnce(YamlMap map)
    {
        foreach (var entry in map.Entries)
        {
            if (_entries.Find(known => known.Key == entry.Key) is { } first)
                _source.Add(RecipeProblems.KeyTwice(_source.At(entry.Line), Path(entry.Key), first.Line));
            else
                _entries.Add(entry);
        }
    }
}
