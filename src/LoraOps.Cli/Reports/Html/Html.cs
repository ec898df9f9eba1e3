using System.Net;
using System.Text;

namespace LoraOps.Cli.Reports.Html;

/// <summary>Texts as parts of a page: whatever they hold, they stay text.</summary>
internal static class Html
{
    private const int LongestName = 120;
    private const int LongestTitle = 400;
    private const int LongestText = 2000;
    private const int LongestWord = 24;

    /// <summary>A text inside of an element; one with words that no column holds may break anywhere.</summary>
    public static string Text(string text)
    {
        var safe = Attribute(text);
        return text.Length > LongestWord && text.Split(' ').Any(word => word.Length > LongestWord) ? $"<span class=\"name\">{safe}</span>" : safe;
    }

    /// <summary>A text inside of an attribute or a title.</summary>
    public static string Attribute(string text) => WebUtility.HtmlEncode(ReportText.Short(text, LongestText));

    /// <summary>A name that may be long: it may break behind its separators, and its middle is left out.</summary>
    public static string Name(string name)
    {
        var shown = ReportText.Short(name, LongestName);
        var broken = new StringBuilder();
        foreach (var c in WebUtility.HtmlEncode(shown))
        {
            broken.Append(c);
            if (shown.Length > LongestWord && (c is '/' or '.'))
                broken.Append("<wbr>");
        }

        var title = shown.Length == ReportText.Visible(name).Length ? "" : $" title=\"{Attribute(ReportText.Short(name, LongestTitle))}\"";
        return $"<span class=\"name\"{title}>{broken}</span>";
    }

    /// <summary>A number.</summary>
    public static string Number(double value) => ReportText.Number(value);

    /// <summary>A number in dB, or a dash where there is none.</summary>
    public static string Decibels(double? value) => value is { } number ? $"{Fixed(number, "0.0")}<span class=\"unit\"> dB</span>" : "–";

    /// <summary>A share as percent.</summary>
    public static string Percent(double value, string digits = "0.0") => $"{Fixed(value * 100, digits)}<span class=\"unit\"> %</span>";

    /// <summary>A number with so many digits.</summary>
    public static string Fixed(double value, string digits) => double.IsFinite(value)
        ? value.ToString(digits, System.Globalization.CultureInfo.InvariantCulture).Replace('-', '−')
        : ReportText.Number(value);

    /// <summary>How something ended: a sign, a word and a colour, so that none of them is needed alone.</summary>
    public static string Mark(bool isGood, string good = "pass", string bad = "FAIL") => isGood
        ? $"<span class=\"mark pass\"><span aria-hidden=\"true\">✓</span>&nbsp;{Text(good)}</span>"
        : $"<span class=\"mark fail\"><span aria-hidden=\"true\">✗</span>&nbsp;{Text(bad)}</span>";

    /// <summary>Something that should be looked at.</summary>
    public static string Warning(string text) => $"<span class=\"mark warn\"><span aria-hidden=\"true\">!</span>&nbsp;{Text(text)}</span>";
}
