using System.Text;
using LoraOps.Cli.Output;
using LoraOps.Cli.Reports.Checks;

namespace LoraOps.Cli.Reports.BuildServers;

/// <summary>The page of a step: how it went, every finding, and the command's tables.</summary>
internal static class StepSummary
{
    // GitHub throws a page away that is larger than 1 MiB.
    private const int MostBytes = 1 << 20;
    private const int Spare = 4096;
    private const string Cut = "\n_The rest does not fit on this page; the report files have all of it._\n";

    /// <summary>The page, line by line.</summary>
    public static IEnumerable<string> Of(CheckList list, Sheet sheet)
    {
        yield return $"### {(list.Findings.Any(finding => finding.Check.Outcome == Outcome.Failed) ? "❌" : "✅")} loraops {list.Command}: {list.Verdict}";
        yield return "";
        if (list.Findings.Count > 0)
        {
            yield return "| | Of | Rule | Where | What | What to do |";
            yield return "|:--|:--|:--|:--|:--|:--|";
            foreach (var (suite, check) in list.Findings)
            {
                var mark = check.Outcome == Outcome.Failed ? "❌ failed" : "⚠️ warning";
                var texts = new[] { suite.Name, check.Rule, check.Where, check.What, check.Advice }.Select(MarkdownText.Text);
                yield return $"| {mark} | {string.Join(" | ", texts)} |";
            }

            yield return "";
        }

        foreach (var line in MarkdownText.Of(sheet).SelectMany(block => block.Append("")))
            yield return line;
    }

    /// <summary>Appends as much as the page may still take; a page that cannot be written is no reason to fail a proof.</summary>
    public static void Append(string page, IEnumerable<string> lines, TextWriter error)
    {
        try
        {
            var room = MostBytes - Spare - (File.Exists(page) ? new FileInfo(page).Length : 0);
            File.AppendAllText(page, Fitting(lines, room));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            error.WriteLine($"warning: the summary of this step was not written: {PlainText.Printable(failure.Message)}");
        }
    }

    private static string Fitting(IEnumerable<string> lines, long room)
    {
        var text = new StringBuilder();
        foreach (var line in lines)
        {
            room -= Encoding.UTF8.GetByteCount(line) + 1;
            if (room < Cut.Length)
                return room + Encoding.UTF8.GetByteCount(line) + 1 < Cut.Length ? text.ToString() : text.Append(Cut).ToString();

            text.Append(line).Append('\n');
        }

        return text.ToString();
    }
}
