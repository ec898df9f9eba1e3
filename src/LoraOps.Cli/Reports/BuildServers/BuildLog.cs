using System.Globalization;
using LoraOps.Cli.Output;
using LoraOps.Cli.Reports.Checks;

namespace LoraOps.Cli.Reports.BuildServers;

/// <summary>Tells the build server what was found: the worst as lines of its log, everything on the page of the step.</summary>
internal static class BuildLog
{
    // GitHub shows no more of a step.
    private const int MostOfAKind = 10;
    private const int LongestTitle = 200;
    private const int LongestMessage = 3000;

    /// <summary>Writes the lines, and appends to the server's page.</summary>
    /// <param name="server">The server.</param>
    /// <param name="error">Standard error, which the server reads.</param>
    /// <param name="list">What was checked.</param>
    /// <param name="sheet">What the command has to say beside that.</param>
    public static void Tell(BuildServer server, TextWriter error, CheckList list, Sheet sheet)
    {
        foreach (var outcome in new[] { Outcome.Failed, Outcome.Warned })
        {
            var findings = list.Findings.Where(finding => finding.Check.Outcome == outcome).ToList();
            foreach (var (suite, check) in findings.Take(findings.Count > MostOfAKind ? MostOfAKind - 1 : MostOfAKind))
                error.WriteLine(Line(server, suite, check).For(server.Kind));

            if (findings.Count > MostOfAKind)
                error.WriteLine(Rest(list, outcome, findings.Count - MostOfAKind + 1).For(server.Kind));
        }

        if (server.Summary is { } page)
            StepSummary.Append(page, StepSummary.Of(list, sheet), error);
    }

    private static LogLine Line(BuildServer server, CheckSuite suite, Check check)
    {
        return new LogLine(
            check.Outcome == Outcome.Failed,
            RelativePlace.Of(suite.File, server.Root),
            check.Rule,
            ReportText.Short(check.Where.Length == 0 ? check.Name : $"{check.Rule} {check.Where}", LongestTitle),
            ReportText.Short($"{suite.Name}: {check.Message}", LongestMessage));
    }

    private static LogLine Rest(CheckList list, Outcome outcome, int count) => new(
        outcome == Outcome.Failed,
        "",
        list.Command,
        string.Create(CultureInfo.InvariantCulture, $"{count} more"),
        "The reports and the summary of this step have all of them.");
}
