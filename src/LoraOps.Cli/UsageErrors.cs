using System.CommandLine;
using System.CommandLine.Parsing;
using LoraOps.Problems;

namespace LoraOps.Cli;

/// <summary>What is wrong with a command line, in our own words where the parser's are short.</summary>
internal static class UsageErrors
{
    /// <summary>Every error, each once; empty for a command line that can be run.</summary>
    public static IReadOnlyList<Problem> Of(ParseResult parsed)
    {
        var name = CommandLine.FullName(parsed);
        var command = parsed.CommandResult.Command;
        var unknown = Mistyped(parsed).Concat(parsed.UnmatchedTokens).Select(token => Unknown(command, token)).ToArray();

        // The parser's own text about an unknown word names no near miss, and a second one follows from it.
        var rest = parsed.Errors.Select(error => error.Message).Where(message => unknown.Length == 0
            || (!message.StartsWith("Unrecognized", StringComparison.Ordinal)
                && !message.StartsWith("Required command", StringComparison.Ordinal)
                && !message.StartsWith("Required argument", StringComparison.Ordinal)));
        var empty = parsed.Tokens.Where(token => token.Type == TokenType.Argument && token.Value.Length == 0).Select(_ => "one of its values is empty");
        return [.. unknown.Concat(empty).Concat(rest).Distinct(StringComparer.Ordinal).Select(message => CommandProblems.UsageWrong(name, message))];
    }

    // The parser takes a mistyped option for an argument's value; who means it writes -- before it.
    private static IEnumerable<string> Mistyped(ParseResult parsed) =>
        parsed.Tokens.Any(token => token.Type == TokenType.DoubleDash)
            ? []
            : parsed.CommandResult.Command.Arguments
                .SelectMany(argument => parsed.GetResult(argument)?.Tokens ?? [])
                .Select(token => token.Value)
                .Where(value => value.Length > 1 && value[0] == '-');

    private static string Unknown(Command command, string token)
    {
        if (token.StartsWith('-'))
        {
            var options = Family(command).SelectMany(known => known.Options).SelectMany(option => option.Aliases.Append(option.Name));
            return $"'{token}' is no option of it{NearMisses.Phrase(token, options)}";
        }

        return command.Subcommands.Count > 0
            ? $"'{token}' is no command{NearMisses.Phrase(token, command.Subcommands.Select(known => known.Name))}"
            : $"'{token}' is one argument too many";
    }

    private static IEnumerable<Command> Family(Command command) =>
        command.Parents.OfType<Command>().SelectMany(Family).Prepend(command);
}
