using System.Text;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Charts;

/// <summary>The numbers of one layer side by side on the scale; the numbers themselves stand beside it.</summary>
internal static class LayerStrip
{
    /// <summary>Renders it.</summary>
    public static string Of(LayerReport layer)
    {
        var strip = new StringBuilder("<svg class=\"strip\" width=\"100%\" height=\"18\" aria-hidden=\"true\">")
            .Append("<line class=\"grid\" x1=\"0\" x2=\"100%\" y1=\"9\" y2=\"9\"/>");
        foreach (var guide in DecibelScale.Guides)
        {
            var x = Svg.Percent(guide / DecibelScale.Most);
            strip.Append($"<line class=\"guide\" x1=\"{x}\" x2=\"{x}\" y1=\"1\" y2=\"17\"/>");
        }

        foreach (var series in LayerSeries.All)
        {
            if (DecibelScale.Place(series.Read(layer)) is { } place)
                strip.Append($"<svg x=\"{Svg.Percent(place)}\" y=\"9\" overflow=\"visible\"><path class=\"mark {series.Id}\" d=\"{series.Mark}\"/></svg>");
        }

        return strip.Append("</svg>").ToString();
    }
}
