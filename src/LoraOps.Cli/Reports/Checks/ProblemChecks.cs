using LoraOps.Problems;

namespace LoraOps.Cli.Reports.Checks;

/// <summary>Problems as checks that failed.</summary>
internal static class ProblemChecks
{
    /// <summary>One problem.</summary>
    public static Check Of(Problem problem) =>
        new(problem.Id, problem.Id, Outcome.Failed) { Where = "", What = problem.What, Advice = problem.Advice };

    /// <summary>The ids of problems, each once.</summary>
    public static IEnumerable<CheckRule> Rules(IEnumerable<Problem> problems) => problems.DistinctBy(problem => problem.Code)
        .OrderBy(problem => problem.Code)
        .Select(problem => new CheckRule(problem.Id, $"{problem.Id} ({problem.Code})", problem.Advice, Outcome.Failed));

    /// <summary>What a command could say that had no answer: a suite for each file that something is wrong with.</summary>
    public static CheckList Of(string command, IReadOnlyList<Problem> problems) => new(
        command,
        [.. Rules(problems)],
        [.. problems.GroupBy(problem => problem.Where, StringComparer.Ordinal)
            .Select(group => new CheckSuite(group.Key.Length == 0 ? command : ReportText.FileName(group.Key), group.Key, [.. group.Select(Of)]))]);
}
