namespace LoraOps.Problems;

/// <summary>What can go wrong with a command as a whole.</summary>
public static class CommandProblems
{
    /// <summary><see cref="ProblemCode.UsageWrong"/></summary>
    /// <param name="command">The command with its parents, for example <c>loraops bundle create</c>.</param>
    /// <param name="reason">What was found and what is allowed.</param>
    public static Problem UsageWrong(string command, string reason) =>
        new(ProblemCode.UsageWrong, command, reason.TrimEnd('.'), $"Run '{command} --help' to see what it takes.");

    /// <summary><see cref="ProblemCode.Cancelled"/></summary>
    public static Problem Cancelled(string command) =>
        new(ProblemCode.Cancelled, command, "was cancelled; nothing was written", "Run the same command again to start over.");

    /// <summary><see cref="ProblemCode.InternalError"/></summary>
    public static Problem InternalError(string command, Exception bug) => new(
        ProblemCode.InternalError,
        command,
        $"internal error: {bug.GetType().Name}: {bug.Message.TrimEnd('.')}",
        "Please report it, with the output of the same command and -v.");
}
