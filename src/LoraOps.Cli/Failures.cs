using System.CommandLine;
using LoraOps.Problems;

namespace LoraOps.Cli;

/// <summary>Exceptions as problems: whatever happens, people read one message form.</summary>
internal static class Failures
{
    /// <summary>What an exception means to the user.</summary>
    /// <param name="failure">What was thrown.</param>
    /// <param name="parsed">The command line, for the name of the output.</param>
    /// <param name="stop">Tells a cancelled command from a bug.</param>
    public static IReadOnlyList<Problem> Explain(Exception failure, ParseResult parsed, CancellationToken stop) => failure switch
    {
        LoraOpsException known => known.Problems,
        OperationCanceledException when stop.IsCancellationRequested => [CommandProblems.Cancelled(CommandLine.FullName(parsed))],
        AggregateException { InnerExceptions: [var only] } => Explain(only, parsed, stop),
        _ when OutputProblems.IsDiskFull(failure) => [OutputProblems.DiskFull(OutputOf(parsed))],
        // Readers name the file they failed on themselves: what is left is the output.
        IOException or UnauthorizedAccessException => [OutputProblems.OutputUnwritable(OutputOf(parsed), failure.Message)],
        _ => [CommandProblems.InternalError(CommandLine.FullName(parsed), failure)],
    };

    private static string OutputOf(ParseResult parsed)
    {
        var option = parsed.CommandResult.Command.Options.FirstOrDefault(known => known.Name == "--output");
        return option is not null && parsed.GetResult(option)?.Tokens is [var token, ..] ? token.Value : "";
    }
}
