namespace LoraOps.Problems;

/// <summary>The known names that an unknown one was probably meant to be.</summary>
public static class NearMisses
{
    private const int Most = 3;
    private const int LongestName = 256;

    /// <summary>Up to three known names, nearest first by Levenshtein distance; names of nothing in common are left out.</summary>
    /// <param name="name">What was asked for.</param>
    /// <param name="known">What there is.</param>
    public static IReadOnlyList<string> Of(string name, IEnumerable<string> known)
    {
        var wanted = Clip(name);
        return [.. known.Distinct(StringComparer.Ordinal)
            .Select(candidate => (candidate, Distance: Distance(wanted, Clip(candidate))))
            .Where(pair => pair.Distance <= Math.Max(2, wanted.Length * 2 / 3))
            .OrderBy(pair => pair.Distance)
            .ThenBy(pair => pair.candidate, StringComparer.Ordinal)
            .Take(Most)
            .Select(pair => pair.candidate)];
    }

    /// <summary>The near misses as the end of a sentence: <c>; nearest: 'a', 'b'</c>, or nothing.</summary>
    public static string Phrase(string name, IEnumerable<string> known) => Phrase(Of(name, known));

    /// <inheritdoc cref="Phrase(string, IEnumerable{string})"/>
    public static string Phrase(IReadOnlyList<string> near) =>
        near.Count == 0 ? "" : $"; nearest: {string.Join(", ", near.Select(found => $"'{found}'"))}";

    // The distance is quadratic in the length, and names come from strangers.
    private static string Clip(string name) => name.Length <= LongestName ? name : name[^LongestName..];

    private static int Distance(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
            row[j] = j;

        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
