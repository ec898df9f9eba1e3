using System.Text;

namespace LoraOps.Cli.Reports.Html;

/// <summary>A column of a table.</summary>
/// <param name="Head">Its heading.</param>
/// <param name="IsNumber">Its cells end below each other.</param>
internal readonly record struct HtmlColumn(string Head, bool IsNumber = false)
{
    public static implicit operator HtmlColumn(string head) => head[0] == '#' ? new(head[1..], true) : new(head);
}

/// <summary>A table; on a phone each row becomes a card, which the roles keep readable for those who cannot see it.</summary>
internal sealed class HtmlTable
{
    // So many rows stay together on paper.
    private const int MostOnOnePage = 12;
    private readonly HtmlColumn[] _columns;
    private readonly StringBuilder _text = new();
    private int _rows;

    /// <param name="caption">What it shows.</param>
    /// <param name="columns">Its columns, of which the first names the row; # for numbers.</param>
    public HtmlTable(string caption, params HtmlColumn[] columns)
    {
        _columns = columns;
        _text.Append($"<caption>{Html.Text(caption)}</caption>\n<thead role=\"rowgroup\"><tr role=\"row\">");
        foreach (var column in columns)
            _text.Append($"<th scope=\"col\" role=\"columnheader\"{Class(column)}>{Html.Text(column.Head)}</th>");

        _text.Append("</tr></thead>\n<tbody role=\"rowgroup\">\n");
    }

    /// <summary>Adds a row.</summary>
    /// <param name="cells">Markup for each column.</param>
    public HtmlTable Row(params string[] cells)
    {
        _rows++;
        _text.Append("<tr role=\"row\">");
        for (var i = 0; i < cells.Length; i++)
        {
            var (tag, role) = i == 0 ? ("th scope=\"row\"", "rowheader") : ("td", "cell");
            _text.Append($"<{tag} role=\"{role}\"{Class(_columns[i])} data-label=\"{Html.Attribute(_columns[i].Head)}\"><span>{cells[i]}</span></{tag[..2]}>");
        }

        _text.Append("</tr>\n");
        return this;
    }

    /// <summary>Adds rows.</summary>
    public HtmlTable Rows(IEnumerable<string[]> rows)
    {
        foreach (var row in rows)
            Row(row);

        return this;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"<table class=\"cards{(_rows <= MostOnOnePage ? " short" : "")}\" role=\"table\">\n{_text}</tbody>\n</table>\n";

    private static string Class(HtmlColumn column) => column.IsNumber ? " class=\"number\"" : "";
}
