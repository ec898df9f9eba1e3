namespace LoraOps.Cli.Reports.Html;

/// <summary>The limits that were set, and how far from them it is.</summary>
internal static class GateSection
{
    /// <summary>Renders it.</summary>
    public static HtmlSection? Of(ParityProof proof)
    {
        if (proof.Gates.Count == 0)
            return null;

        var table = new HtmlTable("Every gate, with the output that is farthest on the wrong side", "Gate", "Result", "#Measured", "Margin", "Output");
        foreach (var gate in proof.Gates)
        {
            table.Row(
                Html.Text(gate.Gate.ToString()),
                Html.Mark(gate.Passed),
                Html.Number(gate.Measured),
                Html.Text(ParitySheet.Margin(gate)),
                Html.Name(gate.Output));
        }

        return new HtmlSection("gates", "Gates", "", table.ToString());
    }
}
