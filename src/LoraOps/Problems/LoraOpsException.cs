namespace LoraOps.Problems;

/// <summary>The one exception of LoraOps: everything that was found wrong, all at once.</summary>
public sealed class LoraOpsException : Exception
{
    /// <summary>Carries one problem.</summary>
    public LoraOpsException(Problem problem)
        : this([problem])
    {
    }

    /// <summary>Carries several problems that were found in one pass.</summary>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    public LoraOpsException(IReadOnlyList<Problem> problems)
        : base(string.Join(Environment.NewLine, problems))
    {
        if (problems.Count == 0)
            throw new ArgumentException("An exception needs a problem.", nameof(problems));

        Problems = problems;
    }

    /// <summary>What was found wrong, in the order of discovery; never empty.</summary>
    public IReadOnlyList<Problem> Problems { get; }

    /// <summary>The exit status of the first problem: it is the one that the others may follow from.</summary>
    public ExitCode ExitCode => Problems[0].Code.ExitCode();
}
