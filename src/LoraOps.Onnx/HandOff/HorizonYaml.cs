using System.Globalization;
using System.Text;
using LoraOps.Problems;

namespace LoraOps.Onnx.HandOff;

/// <summary>A line of a Horizon configuration.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Value">Its value, without quotes; empty where it has lines of its own.</param>
/// <param name="IsText">True for a text in quotes, false for a number, a truth or a mapping in braces.</param>
public sealed record HorizonEntry(string Key, string Value, bool IsText)
{
    /// <summary>The lines below it.</summary>
    public IReadOnlyList<HorizonEntry> Entries { get; init; } = [];

    /// <summary>A text.</summary>
    public static HorizonEntry Text(string key, string value) => new(key, value, true);

    /// <summary>A number or a truth.</summary>
    public static HorizonEntry Plain(string key, string value) => new(key, value, false);

    /// <summary>A line with lines below it.</summary>
    public static HorizonEntry Group(string key, params IEnumerable<HorizonEntry> entries) => new(key, "", false) { Entries = [.. entries] };
}

/// <summary>
/// The configuration of hb_mapper and hb_compile: groups of parameters, in block YAML two blanks a level. Quoted keys and values
/// stand in single quotes; anchors, lists and folded texts do not occur.
/// </summary>
/// <param name="Comments">The lines above the groups, without their mark.</param>
/// <param name="Groups">The groups, in the order of the file.</param>
public sealed record HorizonYaml(IReadOnlyList<string> Comments, IReadOnlyList<HorizonEntry> Groups)
{
    private const string Kind = "Horizon configuration";
    private const int MaxDepth = 4;

    /// <summary>A value by the names that lead to it, or null.</summary>
    public string? Find(params ReadOnlySpan<string> path)
    {
        HorizonEntry? found = null;
        foreach (var key in path)
        {
            found = (found?.Entries ?? Groups).FirstOrDefault(entry => entry.Key == key);
            if (found is null)
                return null;
        }

        return found?.Value;
    }

    /// <summary>The text of the file.</summary>
    public string Render()
    {
        var text = new StringBuilder();
        foreach (var comment in Comments)
            text.Append("# ").Append(comment).Append('\n');

        foreach (var group in Groups)
            Render(text, group, 0);

        return text.ToString();
    }

    /// <summary>Reads a configuration of this form.</summary>
    /// <exception cref="LoraOpsException">It is missing, or not of this form.</exception>
    public static HorizonYaml Read(string path)
    {
        try
        {
            var lines = HandOffText.Read(path, Kind).ReplaceLineEndings("\n").Split('\n');
            var comments = lines.TakeWhile(line => line.StartsWith('#')).Select(line => line[1..].Trim()).ToList();
            var kept = lines.Select((line, at) => (Line: line.TrimEnd(), Number: at + 1))
                .Where(line => line.Line.Length > 0 && !line.Line.TrimStart().StartsWith('#')).ToList();
            var at = 0;
            var groups = Entries(kept, ref at, 0);
            return at == kept.Count ? new HorizonYaml(comments, groups) : throw Wrong(kept[at].Number, "has another indentation than the lines around it");
        }
        catch (FormatException wrong)
        {
            throw new LoraOpsException(HandOffProblems.FileInvalid(path, Kind, wrong.Message));
        }
    }

    /// <summary>A text in single quotes, which it doubles.</summary>
    public static string Quote(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private static void Render(StringBuilder text, HorizonEntry entry, int depth)
    {
        text.Append(' ', depth * 2).Append(IsWord(entry.Key) ? entry.Key : Quote(entry.Key)).Append(':');
        if (entry.Entries.Count == 0)
            text.Append(' ').Append(entry.IsText ? Quote(entry.Value) : entry.Value);

        text.Append('\n');
        foreach (var inner in entry.Entries)
            Render(text, inner, depth + 1);
    }

    private static List<HorizonEntry> Entries(List<(string Line, int Number)> lines, ref int at, int depth)
    {
        var entries = new List<HorizonEntry>();
        while (at < lines.Count && Indentation(lines[at].Line) == depth * 2)
        {
            var (line, number) = lines[at++];
            var (key, rest) = Key(line.AsSpan(depth * 2).ToString(), number);
            if (rest.Length > 0)
                entries.Add(rest[0] == '\'' ? HorizonEntry.Text(key, Unquote(rest, number)) : HorizonEntry.Plain(key, rest));
            else if (depth + 1 >= MaxDepth)
                throw Wrong(number, "lies too deep");
            else
                entries.Add(HorizonEntry.Group(key, Entries(lines, ref at, depth + 1)));
        }

        return entries.DistinctBy(entry => entry.Key).Count() == entries.Count
            ? entries
            : throw Wrong(lines[at - 1].Number, "ends a group that has a key twice");
    }

    private static (string Key, string Value) Key(string line, int number)
    {
        var end = line[0] == '\'' ? ClosingQuote(line, number) + 1 : line.IndexOf(':', StringComparison.Ordinal);
        if (end <= 0 || end >= line.Length || line[end] != ':')
            throw Wrong(number, "is no 'key: value'");

        return (line[0] == '\'' ? Unquote(line[..end], number) : line[..end], line[(end + 1)..].Trim());
    }

    private static string Unquote(string text, int number) => ClosingQuote(text, number) == text.Length - 1
        ? text[1..^1].Replace("''", "'", StringComparison.Ordinal)
        : throw Wrong(number, "goes on after its quoted text");

    private static int ClosingQuote(string text, int number)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] != '\'')
                continue;

            if (i + 1 >= text.Length || text[i + 1] != '\'')
                return i;

            i++;
        }

        throw Wrong(number, "has a quote that is not closed");
    }

    private static int Indentation(string line) => line.Length - line.TrimStart(' ').Length;

    private static bool IsWord(string key) => key.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private static FormatException Wrong(int line, string what) => new(string.Create(CultureInfo.InvariantCulture, $"line {line} {what}"));
}
