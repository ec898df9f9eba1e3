using System.Text;

namespace LoraOps.Bundles;

/// <summary>One line of <c>SHA256SUMS</c>.</summary>
/// <param name="Path">The file's path in the bundle, with <c>/</c>.</param>
/// <param name="Digest">Its content.</param>
public readonly record struct Sum(string Path, string Digest);

/// <summary>
/// <c>SHA256SUMS</c>, as <c>sha256sum -c</c> of coreutils reads it: digest, two spaces, path, newline. There is one spelling
/// only (ordinal order, lower case, no path twice), so that nobody can change a byte of it unseen.
/// </summary>
internal static class Sums
{
    /// <summary>The file's name.</summary>
    public const string FileName = "SHA256SUMS";

    private const string Separator = "  ";

    /// <summary>The file's text.</summary>
    public static string Render(IEnumerable<Sum> sums) =>
        string.Concat(sums.OrderBy(sum => sum.Path, StringComparer.Ordinal).Select(sum => $"{sum.Digest}{Separator}{sum.Path}\n"));

    /// <summary>Reads the lines; what is wrong with them goes to <paramref name="faults"/>, by line.</summary>
    public static List<Sum> Parse(byte[] bytes, List<(int Line, string Fault)> faults)
    {
        var sums = new List<Sum>();
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var lines = Encoding.UTF8.GetString(bytes).Split('\n');
        for (var at = 0; at < lines.Length; at++)
        {
            if (at == lines.Length - 1 && lines[at].Length == 0)
                break;

            if (Fault(lines[at], out var sum) is { } fault)
                faults.Add((at + 1, fault));
            else if (!seen.Add(sum.Path))
                faults.Add((at + 1, $"'{sum.Path}' stands there twice"));
            else
                sums.Add(sum);
        }

        if (faults.Count == 0 && !Encoding.UTF8.GetBytes(Render(sums)).AsSpan().SequenceEqual(bytes))
            faults.Add((1, "the lines are not in ordinal order, or do not end in one newline each"));

        return sums;
    }

    private static string? Fault(string line, out Sum sum)
    {
        sum = default;
        if (line.Length <= Digest.Length + Separator.Length || !Digest.IsDigest(line.AsSpan(0, Digest.Length))
            || !line.AsSpan(Digest.Length).StartsWith(Separator, StringComparison.Ordinal))
        {
            return "the line is not 64 lower-case hexadecimal digits, two spaces and a path";
        }

        var path = line[(Digest.Length + Separator.Length)..];
        if (BundlePath.Fault(path) is { } fault)
            return fault;

        sum = new Sum(path, line[..Digest.Length]);
        return path == FileName ? "the sums cannot hold their own digest" : null;
    }
}
