namespace LoraOps.Cli.Reports.Html;

/// <summary>Which kernels ONNX Runtime really runs on a CPU.</summary>
internal static class KernelSection
{
    private const int MostRows = 200;

    /// <summary>Renders it.</summary>
    public static HtmlSection? Of(ParityProof proof)
    {
        if (proof.Kernels is not { } audit)
            return null;

        var counts = audit.Counts;
        var kernels = new HtmlTable("Kernels of the optimised graph", "Operator", "#Nodes", "Computes with")
            .Rows(counts.Integer.Select(pair => new[] { Html.Text(pair.Key), Html.Number(pair.Value), "integers" }))
            .Row("QuantizeLinear", Html.Number(counts.Quantize), "float to integers")
            .Row("DequantizeLinear", Html.Number(counts.Dequantize), "integers to float")
            .Row("weighted layers in float", Html.Number(counts.FloatWeighted.Count), "float")
            .Row("all nodes", Html.Number(counts.Nodes), "");
        var floats = audit.Floats.Count == 0
            ? $"<p>{Html.Mark(counts.IntegerNodes > 0, "No layer with a weight stays in float.", "No layer with a weight was found.")}</p>\n"
            : new HtmlTable("Layers that stay in float, and why", "Layer", "Operator", "Why")
                .Rows(audit.Floats.Take(MostRows).Select(layer => new[]
                {
                    Html.Name(layer.Node), layer.Op.Length == 0 ? "–" : Html.Text(layer.Op), Html.Text(layer.Why),
                })) + More.Of(audit.Floats.Count, MostRows);
        return new HtmlSection(
            "kernels", "Kernels that run",
            "A quantized layer whose pattern the runtime does not know is computed in float, and is slower than before. Counted on the graph that " +
            "ONNX Runtime's CPU provider would run.",
            kernels + floats);
    }
}
