using System.CommandLine;
using System.CommandLine.Parsing;
using LoraOps.Problems;

namespace LoraOps.Cli.Options;

/// <summary>Options that take one of a few words.</summary>
internal static class Choice
{
    /// <summary>Refuses other words, and says which was probably meant.</summary>
    public static Option<string> Among(this Option<string> option, params string[] words)
    {
        option.Validators.Add(result =>
        {
            foreach (var token in result.Tokens.Where(token => !words.Contains(token.Value, StringComparer.Ordinal)))
                result.AddError($"{option.Name} '{token.Value}' is none of {string.Join(", ", words)}{NearMisses.Phrase(token.Value, words)}");
        });
        option.HelpName ??= string.Join('|', words);
        option.CompletionSources.Add(words);
        return option;
    }

    /// <summary>Parses each value and turns a failure into a usage error.</summary>
    public static T Parse<T>(ArgumentResult result, string option, Func<string, T?> parse, string expected)
        where T : struct
    {
        var text = result.Tokens.Count == 0 ? "" : result.Tokens[^1].Value;
        if (parse(text) is { } value)
            return value;

        result.AddError($"{option} '{text}' is no {expected}");
        return default;
    }
}
