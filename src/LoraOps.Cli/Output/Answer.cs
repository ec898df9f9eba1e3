using LoraOps.Cli.Reports.Checks;
using LoraOps.Problems;

namespace LoraOps.Cli.Output;

/// <summary>How a command ended.</summary>
/// <param name="Sheet">What it has to say.</param>
/// <param name="Problems">What is wrong, when the command could still say the rest: missed gates, findings.</param>
internal sealed record Answer(Sheet Sheet, IReadOnlyList<Problem> Problems)
{
    /// <summary>An answer without problems.</summary>
    public Answer(Sheet sheet)
        : this(sheet, [])
    {
    }

    /// <summary>What was checked one by one, for the reports that machines read; null if nothing was but what <see cref="Problems"/> says.</summary>
    public CheckList? Checks { get; init; }

    /// <summary>The exit status of the first problem, or 0.</summary>
    public ExitCode Exit => Problems.Count == 0 ? ExitCode.Done : Problems[0].Code.ExitCode();
}
