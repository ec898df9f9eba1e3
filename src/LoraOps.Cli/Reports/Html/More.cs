namespace LoraOps.Cli.Reports.Html;

/// <summary>Says how much of a long list is not on the page.</summary>
internal static class More
{
    /// <summary>A sentence, or nothing if all of it is there.</summary>
    public static string Of(int all, int shown) =>
        all <= shown ? "" : $"<p class=\"dim\">{all - shown} more of {all} are in the document of --json.</p>\n";
}
