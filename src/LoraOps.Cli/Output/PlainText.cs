using System.Globalization;
using System.Text;

namespace LoraOps.Cli.Output;

/// <summary>A sheet as aligned plain text, for files and pipes: no colours, no lines, one row a line whatever its length.</summary>
internal static class PlainText
{
    private const string Gap = "  ";

    /// <summary>The text of the parts that people asked to see.</summary>
    public static string Of(Sheet sheet, bool withDetails)
    {
        var text = new StringBuilder();
        var parts = sheet.Parts.Where(part => withDetails || !part.IsDetail).ToArray();
        var labels = parts.OfType<Field>().Select(field => Columns(field.Label)).DefaultIfEmpty().Max();
        foreach (var part in parts)
        {
            switch (part)
            {
                case Field field:
                    Line(text, Left(field.Label, labels) + Gap + Printable(field.Value.Text));
                    break;
                case Notes { Lines.Count: > 0 } notes:
                    text.AppendLine().AppendLine(notes.Label);
                    foreach (var line in notes.Lines)
                        Line(text, Gap + Printable(line));

                    break;
                case Grid { Rows.Count: > 0 } grid:
                    text.AppendLine().AppendLine(Sheet.Heading(grid.Label));
                    AppendGrid(text, grid);
                    break;
            }
        }

        return text.ToString();
    }

    /// <summary>Text from strangers' files with its control characters made visible.</summary>
    public static string Printable(string text) => text.Any(char.IsControl)
        ? string.Concat(text.Select(c => char.IsControl(c)
            ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")
            : c.ToString()))
        : text;

    private static void AppendGrid(StringBuilder text, Grid grid)
    {
        var rows = grid.Rows.Select(row => row.Select(cell => Printable(cell.Text)).ToArray()).ToArray();
        var widths = grid.Columns.Select((name, column) => rows.Select(row => Columns(row[column])).Append(Columns(Sheet.Heading(name))).Max()).ToArray();
        var areNumbers = grid.Columns.Select((_, column) => IsNumeric(grid, column)).ToArray();
        foreach (var row in rows.Prepend([.. grid.Columns.Select(Sheet.Heading)]))
            Line(text, Gap + string.Join(Gap, row.Select((cell, c) => areNumbers[c] ? Right(cell, widths[c]) : Left(cell, widths[c]))));
    }

    /// <summary>True if a column holds numbers, whose last digits belong below each other.</summary>
    public static bool IsNumeric(Grid grid, int column) =>
        grid.Rows.Any(row => row[column].IsNumber) && grid.Rows.All(row => row[column].IsNumber || row[column].Value is null);

    private static void Line(StringBuilder text, string line) => text.AppendLine(line.TrimEnd());

    private static int Columns(string text) => new StringInfo(text).LengthInTextElements;

    private static string Left(string text, int width) => text + new string(' ', Math.Max(0, width - Columns(text)));

    private static string Right(string text, int width) => new string(' ', Math.Max(0, width - Columns(text))) + text;
}
