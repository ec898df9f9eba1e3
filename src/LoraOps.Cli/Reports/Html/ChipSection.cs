using LoraOps.Onnx.Chips;

namespace LoraOps.Cli.Reports.Html;

/// <summary>The rules of the chip that the model does not keep, each with what to do.</summary>
internal static class ChipSection
{
    private const int MostRows = 200;

    /// <summary>Renders it.</summary>
    public static HtmlSection? Of(ParityProof proof)
    {
        if (proof.Chip is not { } audit)
            return null;

        var looked = audit.Chip.Rules.Count - audit.Unchecked.Count;
        var lead = $"The model was held against {looked} rules for {audit.Chip.Name} ({audit.Chip.Sdk}); no chip was needed for that.";
        if (audit.Findings.Count == 0)
            return new HtmlSection("chip", "Chip rules", lead, $"<p>{Html.Mark(true, "Every one of them is kept.")}</p>\n{Unchecked(audit)}");

        var table = new HtmlTable($"Breaches of the rules of {audit.Chip.Name}", "Rule", "Severity", "Where", "What was found", "What to do")
            .Rows(audit.Findings.OrderByDescending(finding => finding.Severity).Take(MostRows).Select(Row));
        return new HtmlSection("chip", "Chip rules", lead, table + More.Of(audit.Findings.Count, MostRows) + Unchecked(audit));
    }

    private static string Unchecked(ChipAudit audit) => audit.Unchecked.Count == 0
        ? ""
        : new HtmlTable("Rules that could not be looked at", "Rule", "Why").Rows(audit.Unchecked.Select(rule => new[]
        {
            Html.Text(rule.RuleId), Html.Text(rule.Why),
        })).ToString();

    private static string[] Row(Finding finding) =>
    [
        Html.Text(finding.RuleId),
        finding.Severity == Severity.Error ? Html.Mark(false, bad: "error") : Html.Warning("warning"),
        Html.Name(finding.Where),
        Html.Text(finding.What),
        Html.Text(finding.Advice),
    ];
}
