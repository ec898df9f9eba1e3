using System.CommandLine;
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
}
