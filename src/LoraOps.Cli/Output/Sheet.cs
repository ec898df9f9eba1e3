namespace LoraOps.Cli.Output;

/// <summary>One part of what a command has to say.</summary>
/// <param name="Label">What people read; scripts read it in camelCase.</param>
/// <param name="IsDetail">People see it only with -v; scripts always.</param>
internal abstract record SheetPart(string Label, bool IsDetail);

/// <summary>One named value.</summary>
internal sealed record Field(string Label, Cell Value, bool IsDetail) : SheetPart(Label, IsDetail);

/// <summary>Rows of the same columns; for scripts an array of objects.</summary>
internal sealed record Grid(string Label, IReadOnlyList<string> Columns, IReadOnlyList<IReadOnlyList<Cell>> Rows, bool IsDetail)
    : SheetPart(Label, IsDetail);

/// <summary>Sentences for people; for scripts an array of strings.</summary>
internal sealed record Notes(string Label, IReadOnlyList<string> Lines, bool IsDetail) : SheetPart(Label, IsDetail);

/// <summary>Everything that a command has to say, in order, the same for people and for scripts.</summary>
internal sealed class Sheet
{
    private readonly List<SheetPart> _parts = [];

    /// <summary>What was added.</summary>
    public IReadOnlyList<SheetPart> Parts => _parts;

    /// <summary>Adds a value.</summary>
    public Sheet Add(string label, Cell value, bool detail = false)
    {
        _parts.Add(new Field(label, value, detail));
        return this;
    }

    /// <summary>Adds rows.</summary>
    public Sheet AddGrid(string label, IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<Cell>> rows, bool detail = false)
    {
        _parts.Add(new Grid(label, columns, [.. rows], detail));
        return this;
    }

    /// <summary>Adds sentences.</summary>
    public Sheet AddNotes(string label, IEnumerable<string> lines, bool detail = false)
    {
        _parts.Add(new Notes(label, [.. lines], detail));
        return this;
    }

    /// <summary>What people read: a label may give scripts another name after an equals sign, <c>base=base accuracy</c>.</summary>
    public static string Heading(string label) => label.Split('=')[0];

    /// <summary>What scripts read: <c>external data</c> is <c>externalData</c>.</summary>
    public static string Key(string label)
    {
        var words = label.Split('=')[^1].Split([' ', '-'], StringSplitOptions.RemoveEmptyEntries);
        return string.Concat(words.Select((word, index) => index == 0
            ? (word.Any(char.IsLower) ? char.ToLowerInvariant(word[0]) + word[1..] : word.ToLowerInvariant())
            : char.ToUpperInvariant(word[0]) + word[1..]));
    }
}
