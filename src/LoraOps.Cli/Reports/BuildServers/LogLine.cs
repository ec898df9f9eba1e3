using System.Globalization;
using LoraOps.Bundles;

namespace LoraOps.Cli.Reports.BuildServers;

/// <summary>One finding as a line of a build server's log; whatever is in the texts, it stays one line.</summary>
/// <param name="IsError">An error, else a warning.</param>
/// <param name="File">The file relative to the checkout; may be empty.</param>
/// <param name="Code">The id of the rule.</param>
/// <param name="Title">A few words.</param>
/// <param name="Message">What was found, and what to do.</param>
internal sealed record LogLine(bool IsError, string File, string Code, string Title, string Message)
{
    /// <summary>The line as a server wants it.</summary>
    public string For(BuildServerKind kind) => kind switch
    {
        BuildServerKind.GitHub => GitHub(),
        BuildServerKind.Azure => Azure(),
        _ => TeamCity(),
    };

    private string GitHub()
    {
        var place = File.Length == 0 ? "" : $"file={Property(File)},line=1,";
        return $"::{(IsError ? "error" : "warning")} {place}title={Property(Title)}::{Data(Message)}";

        static string Data(string text) => text
            .Replace("%", "%25", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal);
        static string Property(string text) => Data(text)
            .Replace(":", "%3A", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal);
    }

    private string Azure()
    {
        var place = File.Length == 0 ? "" : $"sourcepath={Property(File)};linenumber=1;";
        return $"##vso[task.logissue type={(IsError ? "error" : "warning")};{place}code={Property(Code)};]{Data($"{Title}: {Message}")}";

        static string Data(string text) => text.Replace("%", "%AZP25", StringComparison.Ordinal)
            .Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal);
        static string Property(string text) => Data(text)
            .Replace(";", "%3B", StringComparison.Ordinal).Replace("]", "%5D", StringComparison.Ordinal);
    }

    // A problem fails the build by itself, and is the same one in the next build by its identity.
    private string TeamCity()
    {
        var text = $"{(File.Length == 0 ? "" : $"{File}: ")}{Title}: {Message}";
        return IsError
            ? $"##teamcity[buildProblem description='{Value(text)}' identity='{Digest.OfText($"{Code}\0{File}\0{Title}")[..32]}']"
            : $"##teamcity[message text='{Value(text)}' status='WARNING']";

        static string Value(string text) => string.Concat(text.Select(c => c switch
        {
            '|' or '\'' or '[' or ']' => $"|{c}",
            '\n' => "|n",
            '\r' => "|r",
            > '~' => string.Create(CultureInfo.InvariantCulture, $"|0x{(int)c:X4}"),
            _ => c.ToString(),
        }));
    }
}
