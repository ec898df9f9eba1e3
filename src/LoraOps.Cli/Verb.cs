using System.CommandLine;
using LoraOps.Cli.Output;

namespace LoraOps.Cli;

/// <summary>One command: its options, and what it does with them. It only translates between people and the libraries.</summary>
internal abstract class Verb(string name, string description) : Command(name, description)
{
    /// <summary>Does the work.</summary>
    /// <exception cref="LoraOps.Problems.LoraOpsException">The input is wrong.</exception>
    public abstract Answer Run(ParseResult parsed, Screen screen, CancellationToken stop);
}
