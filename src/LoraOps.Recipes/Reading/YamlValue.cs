namespace LoraOps.Recipes.Reading;

/// <summary>A piece of YAML and the line that it begins on.</summary>
internal abstract record YamlValue(int Line)
{
    /// <summary>What it is, for messages.</summary>
    public abstract string Kind { get; }
}

/// <summary>A scalar.</summary>
internal sealed record YamlText(int Line, string Text, bool IsQuoted) : YamlValue(Line)
{
    /// <summary>True if nothing was written.</summary>
    public bool IsEmpty => !IsQuoted && Text is "" or "~" or "null";

    /// <inheritdoc/>
    public override string Kind => IsEmpty ? "nothing" : "a text";
}

/// <summary>A sequence.</summary>
internal sealed record YamlList(int Line, IReadOnlyList<YamlValue> Items) : YamlValue(Line)
{
    /// <inheritdoc/>
    public override string Kind => "a list";
}

/// <summary>A mapping, in file order; a key may still be there twice.</summary>
internal sealed record YamlMap(int Line, IReadOnlyList<YamlEntry> Entries) : YamlValue(Line)
{
    /// <inheritdoc/>
    public override string Kind => "a mapping";
}

/// <summary>A key and its value.</summary>
internal sealed record YamlEntry(string Key, int Line, YamlValue Value);
