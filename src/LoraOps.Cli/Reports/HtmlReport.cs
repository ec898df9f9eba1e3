using System.Net;
using System.Text;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports;

/// <summary>One page for people: the verdict, the gates, every metric. It needs no network, fits a phone and prints.</summary>
internal static class HtmlReport
{
    private const string Style = """
        :root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --soft: #f3f5f7; --line: #d8dde3; --dim: #5d6772;
          --good: #11703a; --good-paper: #e3f5ea; --bad: #a8201a; --bad-paper: #fdeaea; }
        @media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --paper: #14171a; --soft: #1e2327; --line: #333a41;
          --dim: #9aa5b0; --good: #6fd699; --good-paper: #12301f; --bad: #ff9a94; --bad-paper: #3a1716; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; color: var(--ink); background: var(--paper);
          font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
        h1 { font-size: 1.5rem; margin: 0 0 1rem; } h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
        .verdict { padding: .9rem 1.1rem; border-radius: .6rem; font-weight: 600; }
        .pass { color: var(--good); } .fail { color: var(--bad); font-weight: 600; }
        .verdict.pass { background: var(--good-paper); } .verdict.fail { background: var(--bad-paper); }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: 1.25rem 0 0; }
        dt { color: var(--dim); } dd { margin: 0; overflow-wrap: anywhere; }
        .wide { overflow-x: auto; border: 1px solid var(--line); border-radius: .6rem; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th, td { padding: .5rem .8rem; text-align: left; border-bottom: 1px solid var(--line); }
        th { background: var(--soft); font-weight: 600; } tr:last-child td { border-bottom: 0; }
        .number { text-align: right; white-space: nowrap; } .dim { color: var(--dim); font-size: .9rem; }
        @media print { body { max-width: none; padding: 0; } .wide { overflow: visible; } tr { break-inside: avoid; } }
        """;

    /// <summary>Renders the results.</summary>
    public static string Write(ParityReport report, IReadOnlyList<GateResult> results)
    {
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append($"<title>Parity of {Text(Path.GetFileName(report.Candidate))}</title>\n<style>\n{Style}\n</style>\n</head>\n<body>\n")
            .Append($"<h1>Parity of {Text(Path.GetFileName(report.Candidate))}</h1>\n");
        AppendVerdict(page, results);
        page.Append("<dl>")
            .Append($"<dt>Candidate</dt><dd>{Text(report.Candidate)}</dd>")
            .Append($"<dt>Reference</dt><dd>{Text(report.Reference)}</dd>")
            .Append(report.Adapter.Length > 0 ? $"<dt>Adapter</dt><dd>{Text(report.Adapter)}</dd>" : "")
            .Append(report.Against.Length > 0 ? $"<dt>Held against</dt><dd>{Text(report.Against)}</dd>" : "")
            .Append($"<dt>Samples</dt><dd>{report.Samples}</dd>")
            .Append("</dl>\n");
        if (results.Count > 0)
        {
            page.Append("<h2>Gates</h2>\n");
            AppendTable(page, ["Metric", "Output", "#Measured", "Gate", "By how much", "Result"], results.Select(Gate));
        }

        if (report.Parts.Count > 0)
        {
            page.Append("<h2>Adapters</h2>\n");
            AppendTable(page, ["Adapter", "Held against", "#Samples", "Metric", "Output", "#Measured"], report.Parts.SelectMany(Part));
        }

        page.Append("<h2>Metrics</h2>\n");
        AppendTable(page, ["Metric", "Output", "#Measured", "What it is"], ParitySheet.Measured(report).Select(row =>
            $"<td>{row.Metric.Name}</td><td>{Text(row.Output)}</td><td class=\"number\">{ParitySheet.Number(row.Value)}</td>" +
            $"<td class=\"dim\">{Text(row.Metric.What)}</td>"));
        return page.Append($"<p class=\"dim\">loraops {Text(CommandLine.Version)}</p>\n</body>\n</html>\n").ToString();
    }

    private static void AppendVerdict(StringBuilder page, IReadOnlyList<GateResult> results)
    {
        var missed = results.Count(result => !result.Passed);
        var verdict = results.Count == 0 ? "Measured; no gate was set." : missed == 0
            ? $"All {results.Count} gates pass."
            : $"{missed} of {results.Count} gates failed.";
        page.Append($"<p class=\"verdict {(missed == 0 ? "pass" : "fail")}\">{verdict}</p>\n");
    }

    private static IEnumerable<string> Part(ParityReport part) => ParitySheet.Measured(part).Select(row =>
        $"<td>{Text(part.Adapter)}</td><td>{Text(part.Against)}</td><td class=\"number\">{part.Samples}</td>" +
        $"<td>{row.Metric.Name}</td><td>{Text(row.Output)}</td><td class=\"number\">{ParitySheet.Number(row.Value)}</td>");

    private static string Gate(GateResult result) =>
        $"<td>{result.Gate.Metric}</td><td>{Text(result.Output)}</td><td class=\"number\">{ParitySheet.Number(result.Measured)}</td>" +
        $"<td>{Text(result.Gate.ToString())}</td><td>{Text(ParitySheet.Margin(result))}</td>" +
        $"<td class=\"{(result.Passed ? "pass\">pass" : "fail\">FAIL")}</td>";

    private static void AppendTable(StringBuilder page, string[] columns, IEnumerable<string> rows)
    {
        page.Append("<div class=\"wide\"><table>\n<thead><tr>");
        foreach (var column in columns)
            page.Append(column[0] == '#' ? $"<th class=\"number\">{column[1..]}</th>" : $"<th>{column}</th>");

        page.Append("</tr></thead>\n<tbody>\n");
        foreach (var row in rows)
            page.Append($"<tr>{row}</tr>\n");

        page.Append("</tbody>\n</table></div>\n");
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
