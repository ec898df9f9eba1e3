using System.Text;
using LoraOps.Cli.Reports.Charts;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Html;

/// <summary>The ranges and errors of each layer, to be opened.</summary>
internal static class HistogramPart
{
    private const int MostPrinted = 24;

    /// <summary>Renders it.</summary>
    public static string Of(IReadOnlyList<LayerReport> layers)
    {
        var shown = layers.Where(layer => layer.ValueHistogram is not null || layer.ErrorHistogram is not null).ToList();
        if (shown.Count == 0)
            return "";

        var worst = shown.OrderBy(layer => layer.OutputSqnr ?? double.PositiveInfinity).Take(MostPrinted).ToHashSet();
        var some = shown.Count > MostPrinted ? $" On paper those of the {MostPrinted} worst layers are open." : "";
        var text = new StringBuilder("<h3>Ranges and errors</h3>\n")
            .Append($"<p class=\"lead\">Heights are logarithmic. Dashed lines show what the codes of the layer's input can hold.{some}</p>\n");
        foreach (var layer in shown)
            text.Append(Layer(layer, worst.Contains(layer) ? "" : " class=\"rest\""));

        return text.ToString();
    }

    private static string Layer(LayerReport layer, string kind)
    {
        var clip = layer.ClipShare > 0 ? $", {Html.Percent(layer.ClipShare, "0.000")} clipped" : "";
        var peak = layer.PeakToRms is { } ratio ? $"<dt>Peak to rms</dt><dd>{Html.Fixed(ratio, "0.0")}</dd>" : "";
        var range = $"{Html.Number(layer.RangeMin)} … {Html.Number(layer.RangeMax)}";
        return $"<details{kind}><summary>{Html.Name(layer.Node)}<span class=\"dim\"> {range}{clip}</span></summary>\n" +
            $"<div class=\"pair\">{Values(layer)}{Errors(layer)}</div>\n" +
            $"<dl class=\"facts\"><dt>Range of its input</dt><dd>{range}</dd>" +
            $"<dt>Beyond the range</dt><dd>{Html.Percent(layer.ClipShare, "0.000")}</dd>{peak}" +
            $"<dt>Output</dt><dd>{Html.Decibels(layer.OutputSqnr)}</dd></dl></details>\n";
    }

    private static string Values(LayerReport layer) => layer.ValueHistogram is { } histogram
        ? Figure(histogram, "values", "Input values", $"Input values of the layer", (layer.RangeMin, layer.RangeMax))
        : "";

    private static string Errors(LayerReport layer) => layer.ErrorHistogram is { } histogram
        ? Figure(histogram, "errors", "Error of its output", "Errors of the layer's output", null)
        : "";

    private static string Figure(Histogram histogram, string kind, string title, string what, (double Min, double Max)? range)
    {
        var said = $"{what}: {Html.Number(histogram.Counts.Sum())} values from {Html.Number(histogram.Min)} to {Html.Number(histogram.Max)}.";
        return $"<figure><p class=\"title\">{title}</p>{HistogramChart.Of(histogram, kind, Html.Attribute(said), range)}" +
            $"<p class=\"ends\"><span>{Html.Number(histogram.Min)}</span><span>{Html.Number(histogram.Max)}</span></p></figure>";
    }
}
