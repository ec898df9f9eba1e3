using System.Globalization;
using System.Text;
using LoraOps.Cli.Output;

namespace LoraOps.Cli.Reports.BuildServers;

/// <summary>A command's answer as Markdown that nobody's names can break out of.</summary>
internal static class MarkdownText
{
    private const int LongestText = 300;
    private const string Marks = "&<>|`*_[]()#~\\!@\"'{}$";

    /// <summary>The tables and sentences that people see without asking for details, block by block, line by line.</summary>
    public static IEnumerable<IReadOnlyList<string>> Of(Sheet sheet)
    {
        var fields = sheet.Parts.OfType<Field>().Where(field => !field.IsDetail).ToList();
        if (fields.Count > 0)
            yield return ["| | |", "|:--|:--|", .. fields.Select(field => $"| {Text(field.Label)} | {Text(field.Value.Text)} |")];

        foreach (var grid in sheet.Parts.OfType<Grid>().Where(grid => !grid.IsDetail && grid.Rows.Count > 0))
            yield return [$"#### {Text(Sheet.Heading(grid.Label))}", "", .. Table(grid)];

        foreach (var notes in sheet.Parts.OfType<Notes>().Where(notes => !notes.IsDetail && notes.Lines.Count > 0))
            yield return [$"#### {Text(notes.Label)}", "", .. notes.Lines.Select(line => $"- {Text(line)}")];
    }

    /// <summary>Text that Markdown shows as it is.</summary>
    public static string Text(string text)
    {
        var safe = new StringBuilder();
        foreach (var c in ReportText.Short(text, LongestText))
        {
            // Only a number: a name would need a list, a backslash would need another one.
            if (Marks.Contains(c, StringComparison.Ordinal))
                safe.Append(CultureInfo.InvariantCulture, $"&#{(int)c};");
            else
                safe.Append(c);
        }

        return safe.ToString();
    }

    private static IEnumerable<string> Table(Grid grid) => grid.Rows.Select(row => row.Select(cell => Text(cell.Text)))
        .Prepend(grid.Columns.Select((_, column) => PlainText.IsNumeric(grid, column) ? "--:" : ":--"))
        .Prepend(grid.Columns.Select(column => Text(Sheet.Heading(column))))
        .Select(row => $"| {string.Join(" | ", row)} |");
}
