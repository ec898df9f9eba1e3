namespace LoraOps.Cli.Reports.Html;

/// <summary>Everything that was measured on the outputs.</summary>
internal static class MetricSection
{
    /// <summary>Renders it.</summary>
    public static HtmlSection Of(ParityProof proof)
    {
        var table = new HtmlTable("The distance between candidate and reference", "Metric", "#Measured", "Output", "What it is");
        foreach (var (metric, output, value) in ParitySheet.Measured(proof.Report))
            table.Row(Html.Text(metric.Name), Html.Number(value), Html.Name(output), $"<span class=\"dim\">{Html.Text(metric.What)}</span>");

        return new HtmlSection("metrics", "Metrics", "", table.ToString());
    }
}
