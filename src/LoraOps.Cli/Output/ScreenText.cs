using Spectre.Console;

namespace LoraOps.Cli.Output;

/// <summary>A sheet on a terminal: tables that fit its width, colours where they say something.</summary>
internal static class ScreenText
{
    private const int NarrowestText = 14;
    private const int BoxedPadding = 3;

    /// <summary>Writes the parts that people asked to see.</summary>
    public static void Write(IAnsiConsole console, Sheet sheet, bool withDetails)
    {
        var parts = sheet.Parts.Where(part => withDetails || !part.IsDetail).ToArray();
        for (var at = 0; at < parts.Length; at++)
        {
            switch (parts[at])
            {
                case Field:
                    var run = parts.Skip(at).TakeWhile(part => part is Field).Cast<Field>().ToArray();
                    console.Write(Fields(run.Select(field => (field.Label, field.Value))));
                    at += run.Length - 1;
                    break;
                case Notes { Lines.Count: > 0 } notes:
                    console.MarkupLineInterpolated($"[bold]{notes.Label}[/]");
                    foreach (var line in notes.Lines)
                        console.Write(new Padder(new Text(PlainText.Printable(line)), new Padding(2, 0, 0, 0)));

                    break;
                case Grid { Rows.Count: > 0 } grid:
                    WriteGrid(console, grid);
                    break;
            }
        }
    }

    private static void WriteGrid(IAnsiConsole console, Grid grid)
    {
        var least = Enumerable.Range(0, grid.Columns.Count).Sum(column => LeastWidth(grid, column));
        if (least + (BoxedPadding * grid.Columns.Count) + 1 <= console.Profile.Width)
            console.Write(AsTable(grid, isBoxed: true));
        else if (least + grid.Columns.Count <= console.Profile.Width)
            console.Write(AsTable(grid, isBoxed: false));
        else
            WriteCards(console, grid);
    }

    // Too narrow for columns: a number broken over two lines is worse than a longer page.
    private static void WriteCards(IAnsiConsole console, Grid grid)
    {
        console.MarkupLineInterpolated($"[bold]{Sheet.Heading(grid.Label)}[/]");
        foreach (var row in grid.Rows)
        {
            console.Write(Fields(grid.Columns.Select(Sheet.Heading).Zip(row)));
            console.WriteLine();
        }
    }

    private static Table AsTable(Grid grid, bool isBoxed)
    {
        var table = new Table { Border = isBoxed ? TableBorder.Rounded : TableBorder.None, Title = new TableTitle(Markup.Escape(Sheet.Heading(grid.Label))) };
        table.BorderColor(Color.Grey);
        for (var column = 0; column < grid.Columns.Count; column++)
        {
            var isNumber = PlainText.IsNumeric(grid, column);
            table.AddColumn(new TableColumn(new Markup($"[bold]{Markup.Escape(Sheet.Heading(grid.Columns[column]))}[/]"))
            {
                Alignment = isNumber ? Justify.Right : Justify.Left,
                NoWrap = isNumber || LongestText(grid, column) <= NarrowestText,
                Padding = isBoxed ? new Padding(1, 0, 1, 0) : new Padding(0, 0, 1, 0),
            });
        }

        foreach (var row in grid.Rows)
            table.AddRow(row.Select(AsText));

        return table;
    }

    private static Spectre.Console.Grid Fields(IEnumerable<(string Label, Cell Value)> fields)
    {
        var grid = new Spectre.Console.Grid();
        grid.AddColumn(new GridColumn { NoWrap = true });
        grid.AddColumn(new GridColumn());
        foreach (var (label, value) in fields)
            grid.AddRow(new Text(label, new Style(Color.Grey)), AsText(value));

        return grid;
    }

    private static int LeastWidth(Grid grid, int column) => PlainText.IsNumeric(grid, column)
        ? LongestText(grid, column)
        : Math.Min(LongestText(grid, column), NarrowestText);

    private static int LongestText(Grid grid, int column) =>
        grid.Rows.Select(row => row[column].Text.Length).Append(Sheet.Heading(grid.Columns[column]).Length).Max();

    private static Text AsText(Cell cell) => new(PlainText.Printable(cell.Text), cell.Tone switch
    {
        Tone.Good => new Style(Color.Green),
        Tone.Odd => new Style(Color.Yellow),
        Tone.Bad => new Style(Color.Red, decoration: Decoration.Bold),
        _ => Style.Plain,
    });
}
