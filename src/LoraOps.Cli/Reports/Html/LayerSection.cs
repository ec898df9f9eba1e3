using LoraOps.Cli.Reports.Charts;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Html;

/// <summary>Where the error is made: signal to noise layer by layer, and what each layer's numbers look like.</summary>
internal static class LayerSection
{
    private const int MostRows = 400;

    /// <summary>Renders it.</summary>
    public static HtmlSection? Of(ParityProof proof)
    {
        var layers = proof.Report.Layers;
        if (layers.Count == 0)
            return null;

        var series = LayerSeries.All.Where(one => layers.Any(layer => one.Read(layer) is not null)).ToList();
        return new HtmlSection(
            "layers", "Layer by layer",
            "Signal to quantization noise in dB: more is better, every 6 dB are one bit. Weights below 30 dB and activations below 20 dB are beyond the " +
            "house's limits, which the dashed guides show. What is above 60 dB, an unquantized layer for one, is drawn at 60.",
            Figure(layers, series) + Table(layers) + HistogramPart.Of([.. layers.Take(MostRows)]) + More.Of(layers.Count, MostRows));
    }

    private static string Figure(IReadOnlyList<LayerReport> layers, IReadOnlyList<LayerSeries> series)
    {
        var worst = layers.Where(layer => layer.OutputSqnr is not null).MinBy(layer => layer.OutputSqnr);
        var said = worst is null
            ? "Signal to noise of each layer; the table below has the numbers."
            : $"Signal to noise of {layers.Count} layers in graph order. The worst output is that of {ReportText.Short(worst.Node, 80)} with " +
              $"{Html.Fixed(worst.OutputSqnr.GetValueOrDefault(), "0.0")} dB. The table below has every number.";
        var chart = layers.Count < 2 ? "" : DepthChart.Of(layers, Html.Attribute(said)) +
            "<p class=\"ends\" aria-hidden=\"true\"><span>first layer</span><span>last layer</span></p>";
        return $"<figure>{LayerSeries.Legend(series)}{chart}<figcaption>{Html.Text(said)}</figcaption></figure>\n";
    }

    private static string Table(IReadOnlyList<LayerReport> layers)
    {
        var table = new HtmlTable(
            "Every layer with a weight, in graph order", "Layer", "Computed in", "0 to 60 dB", "#Weights", "#Activation", "#Output", "Look at");
        foreach (var layer in layers.Take(MostRows))
        {
            table.Row(
                $"{Html.Name(layer.Node)} <span class=\"dim\">{Html.Text(layer.Op)}</span>",
                Html.Text(layer.Precision),
                LayerStrip.Of(layer),
                Html.Decibels(layer.WeightSqnr),
                Html.Decibels(layer.ActivationSqnr),
                Html.Decibels(layer.OutputSqnr),
                layer.Warnings.Count == 0 ? "–" : string.Join("<br>", layer.Warnings.Select(Html.Warning)));
        }

        return table.ToString();
    }
}
