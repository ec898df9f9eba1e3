using System.Text;
using LoraOps.Cli.Reports.Charts;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Html;

/// <summary>Which class is taken for which, and what changed by quantization.</summary>
internal static class ConfusionPart
{
    private const int MostChanges = 15;

    /// <summary>Renders it.</summary>
    public static string Of(Confusion? confusion) => confusion is null ? "" :
        "<h3>Which class is taken for which</h3>\n<p class=\"lead\">Rows are labels, columns what the candidate said; mistakes are underlined.</p>\n" +
        $"<div class=\"pair\">{Matrix(confusion)}<div>{Changes(confusion)}</div></div>\n";

    private static string Matrix(Confusion confusion)
    {
        var classes = confusion.Classes;
        var text = new StringBuilder("<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"Confusion matrix\"><table class=\"matrix\">\n")
            .Append($"<caption>Labels and decisions on {Html.Text(ReportText.Short(confusion.Output, 24))}</caption>\n<thead><tr><td></td>");
        for (var column = 0; column < classes; column++)
            text.Append($"<th scope=\"col\">{column}</th>");

        text.Append("</tr></thead>\n<tbody>\n");
        for (var row = 0; row < classes; row++)
        {
            var all = Enumerable.Range(0, classes).Sum(column => confusion.Candidate[(row * classes) + column]);
            text.Append($"<tr><th scope=\"row\">{row}</th>");
            for (var column = 0; column < classes; column++)
                text.Append(Cell(confusion.Candidate[(row * classes) + column], all, row == column));

            text.Append("</tr>\n");
        }

        return text.Append("</tbody>\n</table></div>\n").ToString();
    }

    // The darker, the larger its share of the row; nothing is said by the shade that the number does not say.
    private static string Cell(long count, long all, bool isRight) => count == 0
        ? "<td class=\"none\">·</td>"
        : $"<td class=\"{(isRight ? "right" : "wrong")}\" style=\"--share:{Svg.Number((double)count / all)}\">{count}</td>";

    private static string Changes(Confusion confusion)
    {
        var changes = Enumerable.Range(0, confusion.Classes * confusion.Classes)
            .Select(at => (Label: at / confusion.Classes, Said: at % confusion.Classes, Candidate: confusion.Candidate[at], Reference: confusion.Reference[at]))
            .Where(cell => cell.Label != cell.Said && cell.Candidate != cell.Reference)
            .OrderByDescending(cell => Math.Abs(cell.Candidate - cell.Reference))
            .Take(MostChanges)
            .ToList();
        return changes.Count == 0
            ? $"<p>{Html.Mark(true, "The reference confuses the same classes as often.")}</p>\n"
            : new HtmlTable("Confusions that are not as frequent as in the reference", "Label and decision", "#Candidate", "#Reference")
                .Rows(changes.Select(change => new[]
                {
                    $"{change.Label} taken for {change.Said}", Html.Number(change.Candidate), Html.Number(change.Reference),
                })).ToString();
    }
}
