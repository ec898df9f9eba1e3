using System.Globalization;
using System.Text;
using LoraOps.Bundles;

namespace LoraOps.Cli.Reports;

/// <summary>Names from strangers' models as reports show them: nothing invisible, nothing without end.</summary>
internal static class ReportText
{
    private const int ShownDigits = 8;

    /// <summary>
    /// The text with everything that cannot be seen spelt out, <c>\u{202E}</c>: control characters would forge log lines, marks of the
    /// direction of writing would turn a name around, and XML cannot hold them all.
    /// </summary>
    public static string Visible(string text)
    {
        if (text.All(c => c is >= ' ' and <= '~'))
            return text;

        var seen = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (IsHidden(rune))
                seen.Append(CultureInfo.InvariantCulture, $"\\u{{{rune.Value:X4}}}");
            else
                seen.Append(rune.ToString());
        }

        return seen.ToString();
    }

    /// <summary>A visible name of at most so many characters: of a longer one both ends, and a digest that tells it from others.</summary>
    /// <param name="text">The name.</param>
    /// <param name="most">At least 24.</param>
    public static string Short(string text, int most)
    {
        var seen = Visible(text);
        if (seen.Length <= most)
            return seen;

        var tail = (most - ShownDigits - 4) / 3;
        var head = most - ShownDigits - 4 - tail;
        return $"{Whole(seen[..head])}…{Whole(seen[^tail..])} (#{Digest.OfText(text)[..ShownDigits]})";
    }

    /// <summary>The name of a file without the folders of the machine that it lies on.</summary>
    public static string FileName(string path) => Path.GetFileName(Path.TrimEndingDirectorySeparator(path.Replace('\\', '/')));

    /// <summary>A measured number for people.</summary>
    public static string Number(double value) => value switch
    {
        double.PositiveInfinity => "∞",
        double.NegativeInfinity => "−∞",
        _ => value.ToString("G6", CultureInfo.InvariantCulture).Replace('-', '−'),
    };

    private static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse;

    // A cut may fall inside of a pair.
    private static string Whole(string part) => string.Concat(part.EnumerateRunes().Where(rune => rune != Rune.ReplacementChar));
}
