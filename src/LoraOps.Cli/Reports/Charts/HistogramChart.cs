using System.Text;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Charts;

/// <summary>A histogram as steps; heights are logarithmic, so that a single value far outside is still seen.</summary>
internal static class HistogramChart
{
    private const double Height = 100;

    /// <summary>Renders it.</summary>
    /// <param name="histogram">The counts.</param>
    /// <param name="kind">The class in the style sheet.</param>
    /// <param name="text">What it shows, for those who cannot see it; markup already.</param>
    /// <param name="range">What codes can hold, drawn as two lines; null to leave it out.</param>
    public static string Of(Histogram histogram, string kind, string text, (double Min, double Max)? range = null)
    {
        var chart = new StringBuilder($"<svg class=\"histogram {kind}\" width=\"100%\" height=\"96\" role=\"img\" aria-label=\"{text}\">");
        var bins = histogram.Counts.Count;
        if (bins > 0)
            chart.Append($"<svg width=\"100%\" height=\"100%\" viewBox=\"0 0 {bins} 100\" preserveAspectRatio=\"none\"><path d=\"{Steps(histogram)}\"/></svg>");

        chart.Append("<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"95.5\" y2=\"95.5\"/>");
        foreach (var limit in range is { } held ? [held.Min, held.Max] : Array.Empty<double>())
        {
            var place = (limit - histogram.Min) / (histogram.Max - histogram.Min);
            if (place is > 0 and < 1)
                chart.Append($"<line class=\"limit\" x1=\"{Svg.Percent(place)}\" x2=\"{Svg.Percent(place)}\" y1=\"0\" y2=\"96\"/>");
        }

        return chart.Append("</svg>").ToString();
    }

    private static string Steps(Histogram histogram)
    {
        var top = Math.Log(1 + Math.Max(1, histogram.Counts.Max()));
        var steps = new StringBuilder("M0 100");
        var last = Height;
        foreach (var count in histogram.Counts)
        {
            var y = Math.Round(Height * (1 - (Math.Log(1 + Math.Max(0, count)) / top)), 1);
            if (y != last)
                steps.Append('V').Append(Svg.Number(y));

            steps.Append("h1");
            last = y;
        }

        return steps.Append("V100Z").ToString();
    }
}
