using System.Security.Cryptography;
using System.Text;

namespace LoraOps.Cli.Reports.Html;

/// <summary>
/// A whole page in one file. It needs no network and no script, fits a phone, and prints; a policy in it forbids it to load or run
/// anything else.
/// </summary>
internal static class HtmlPage
{
    private const int LongestTitle = 120;
    private static readonly string Style = Embedded("report.css");
    private static readonly string Script = Embedded("report.js");

    /// <summary>Renders it.</summary>
    /// <param name="kind">What it is, above its title.</param>
    /// <param name="title">What it is about.</param>
    /// <param name="top">Markup of the verdict.</param>
    /// <param name="sections">Its sections, linked at the top.</param>
    public static string Write(string kind, string title, string top, IReadOnlyList<HtmlSection> sections)
    {
        var page = new StringBuilder();
        page.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
            .Append($"<meta http-equiv=\"Content-Security-Policy\" content=\"{Policy}\">\n")
            .Append("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
            .Append("<meta name=\"color-scheme\" content=\"light dark\">\n")
            .Append($"<title>{Html.Attribute(ReportText.Short(title, LongestTitle))} – {Html.Text(kind)}</title>\n")
            .Append($"<style>\n{Style}</style>\n</head>\n<body>\n<header>\n")
            .Append($"<p class=\"eyebrow\">{Html.Text(kind)}</p>\n<h1>{Html.Name(title)}</h1>\n{top}")
            .Append("<nav aria-label=\"Sections\"><ul>")
            .AppendJoin("", sections.Select(section => $"<li><a href=\"#{section.Id}\">{Html.Text(section.Title)}</a></li>"))
            .Append("</ul></nav>\n</header>\n<main>\n");
        foreach (var section in sections)
        {
            page.Append($"<section id=\"{section.Id}\" aria-labelledby=\"{section.Id}-title\">\n")
                .Append($"<h2 id=\"{section.Id}-title\">{Html.Text(section.Title)}</h2>\n")
                .Append(section.Lead.Length == 0 ? "" : $"<p class=\"lead\">{Html.Text(section.Lead)}</p>\n")
                .Append(section.Body)
                .Append("</section>\n");
        }

        return page.Append($"</main>\n<footer><p>Made by loraops {Html.Text(CommandLine.Version)}. The same inputs give the same page.</p></footer>\n")
            .Append($"<script>{Script}</script>\n</body>\n</html>\n").ToString();
    }

    // The one script that may run is named by its digest: text that turned out to be markup could still do nothing.
    private static string Policy =>
        $"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Script)))}'";

    private static string Embedded(string name)
    {
        using var stream = typeof(HtmlPage).Assembly.GetManifestResourceStream(name) ?? throw new InvalidOperationException(name);
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }
}
