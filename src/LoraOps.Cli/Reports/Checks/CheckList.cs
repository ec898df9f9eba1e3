namespace LoraOps.Cli.Reports.Checks;

/// <summary>The checks of one thing.</summary>
/// <param name="Name">What was checked, without a folder: the candidate, the job.</param>
/// <param name="File">The file that a reader should open, as the user named it.</param>
/// <param name="Checks">The checks, in the order of the report.</param>
internal sealed record CheckSuite(string Name, string File, IReadOnlyList<Check> Checks);

/// <summary>Everything that a command checked.</summary>
/// <param name="Command">The command, for example <c>validate</c>.</param>
/// <param name="Rules">What the ids of the checks stand for, those that were kept included.</param>
/// <param name="Suites">The checks.</param>
internal sealed record CheckList(string Command, IReadOnlyList<CheckRule> Rules, IReadOnlyList<CheckSuite> Suites)
{
    /// <summary>What somebody should read with the suite that it is of: failures first, then as they were checked.</summary>
    public IReadOnlyList<(CheckSuite Suite, Check Check)> Findings { get; } =
    [
        .. Suites.SelectMany(suite => suite.Checks.Where(check => check.IsFinding).Select(check => (suite, check)))
            .OrderByDescending(pair => pair.check.Outcome),
    ];

    /// <summary>One sentence that says how it went.</summary>
    public string Verdict
    {
        get
        {
            // A rule is one check, however often it is broken.
            var counts = Suites.SelectMany(suite => suite.Checks.GroupBy(check => (check.Rule, check.Name)))
                .CountBy(breaches => breaches.Max(check => check.Outcome)).ToDictionary();
            var (failed, warned, all) = (counts.GetValueOrDefault(Outcome.Failed), counts.GetValueOrDefault(Outcome.Warned), counts.Values.Sum());
            var skipped = counts.GetValueOrDefault(Outcome.Skipped) is > 0 and var some ? $", {some} not looked at" : "";
            var notes = warned > 0 ? $", {warned} {(warned == 1 ? "warning" : "warnings")}" : "";
            return all == 0 ? "nothing was checked" : failed > 0 ? $"{failed} of {all} checks failed{notes}{skipped}" : $"all checks pass{notes}{skipped}";
        }
    }
}
