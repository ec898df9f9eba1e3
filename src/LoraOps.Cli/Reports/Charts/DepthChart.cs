using System.Text;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Charts;

/// <summary>Signal to noise from the first layer to the last: where it falls is where the error is made.</summary>
internal static class DepthChart
{
    private const double Width = 1000;
    private const double Height = 200;
    private const double Top = 10;
    private const double Edge = 24;

    /// <summary>Renders it.</summary>
    /// <param name="layers">At least two.</param>
    /// <param name="text">What it shows, for those who cannot see it.</param>
    public static string Of(IReadOnlyList<LayerReport> layers, string text)
    {
        var chart = new StringBuilder($"<svg class=\"depth\" width=\"100%\" height=\"{Svg.Number(Height + (2 * Top))}\" role=\"img\" aria-label=\"{text}\">");
        foreach (var decibels in new double[] { 0, 20, 30, 40, DecibelScale.Most })
        {
            var y = Svg.Number(Y(decibels).GetValueOrDefault());
            var kind = DecibelScale.Guides.Contains(decibels) ? "guide" : "grid";
            chart.Append($"<line class=\"{kind}\" x1=\"0\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/><text x=\"0\" y=\"{y}\" dy=\"-3\">{decibels} dB</text>");
        }

        chart.Append($"<svg width=\"100%\" height=\"100%\" viewBox=\"0 0 {Svg.Number(Width)} {Svg.Number(Height + (2 * Top))}\" preserveAspectRatio=\"none\">");
        foreach (var series in LayerSeries.All)
        {
            var points = layers.Index().Select(layer => (X(layer.Index, layers.Count), Y(series.Read(layer.Item)))).ToList();
            chart.Append($"<path class=\"line {series.Id}\" d=\"{Svg.Line(points)}\"/><path class=\"dots {series.Id}\" d=\"{Svg.Dots(points)}\"/>");
        }

        return chart.Append("</svg></svg>").ToString();
    }

    private static double X(int at, int count) => (2.5 * Edge) + (at * (Width - (3.5 * Edge)) / (count - 1));

    private static double? Y(double? decibels) => DecibelScale.Place(decibels) is { } place ? Top + ((1 - place) * Height) : null;
}
