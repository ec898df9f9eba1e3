namespace LoraOps.Cli.Reports.Charts;

/// <summary>A share as a bar, with a line where another one lies; the numbers stand beside it.</summary>
internal static class ShareBar
{
    /// <summary>Renders it.</summary>
    /// <param name="share">0…1; what lies outside is drawn at the end.</param>
    /// <param name="mark">Where the line is; null for none.</param>
    public static string Of(double share, double? mark = null)
    {
        var line = mark is { } place ? $"<line class=\"limit\" x1=\"{Svg.Percent(place)}\" x2=\"{Svg.Percent(place)}\" y1=\"0\" y2=\"14\"/>" : "";
        return "<svg class=\"bar\" width=\"100%\" height=\"14\" aria-hidden=\"true\"><rect class=\"trough\" width=\"100%\" height=\"8\" y=\"3\" rx=\"4\"/>" +
            $"<rect class=\"filled\" width=\"{Svg.Percent(share)}\" height=\"8\" y=\"3\" rx=\"4\"/>{line}</svg>";
    }
}
