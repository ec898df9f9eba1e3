using System.Text.RegularExpressions;

namespace LoraOps.House.Tests;

/// <summary>A table of a markdown file, found by the comment before it: <c>&lt;!-- table: chips --&gt;</c>.</summary>
internal sealed partial class MarkdownTable(IReadOnlyList<string[]> rows)
{
    [GeneratedRegex(@"`([^`]*)`")]
    private static partial Regex Code();

    /// <summary>The cells of each row, the head and its ruler left out.</summary>
    public IReadOnlyList<string[]> Rows { get; } = rows;

    public static MarkdownTable Named(string file, string name)
    {
        var lines = Checkout.Text(file).Split('\n');
        var at = Array.IndexOf(lines, $"<!-- table: {name} -->");
        Assert.True(at >= 0, $"{file} has no table '{name}'");
        var table = lines.Skip(at + 1).SkipWhile(l => l.Length == 0).TakeWhile(l => l.StartsWith('|')).ToList();
        Assert.True(table.Count > 2, $"{file}: the table '{name}' has no rows");
        return new([.. table.Skip(2).Select(Cells)]);
    }

    /// <summary>One column: what stands in backticks where anything does, else the text.</summary>
    public IEnumerable<string> Column(int index) => Rows.Select(r => Codes(r[index]).FirstOrDefault(r[index]));

    /// <summary>Everything that stands in backticks.</summary>
    public static IEnumerable<string> Codes(string cell) => Code().Matches(cell).Select(m => m.Groups[1].Value);

    private static string[] Cells(string line) => [.. line.Trim('|').Split('|').Select(c => c.Trim())];
}
