using System.IO.Enumeration;

namespace LoraOps.Transforms;

/// <summary>Names with asterisks, each of which stands for any text.</summary>
internal static class NamePatterns
{
    /// <summary>True if one of the patterns is the whole name.</summary>
    public static bool Match(IReadOnlyList<string> patterns, string name) =>
        patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern.Replace(@"\", @"\\", StringComparison.Ordinal), name, ignoreCase: false));
}
