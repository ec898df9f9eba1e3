using LoraOps.Onnx.Chips;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Html;

/// <summary>The top of the page: may it ship, why not, and the figures that people ask for first.</summary>
internal static class VerdictPart
{
    /// <summary>Renders it.</summary>
    public static string Of(ParityProof proof)
    {
        var (kind, sign, word) = !proof.IsPassed ? ("fail", "✗", "Failed") : proof.Gates.Count == 0 && proof.Chip is null
            ? ("open", "–", "Measured")
            : ("pass", "✓", "Passed");
        var missed = proof.Gates.Select(gate => gate.Problem("")?.What).OfType<string>();
        return $"{Banner(kind, sign, word, $"{Gates(proof.Gates)}{Chip(proof.Chip)}", missed)}<dl class=\"tiles\">{string.Concat(Tiles(proof.Report))}</dl>\n";
    }

    /// <summary>The banner alone.</summary>
    /// <param name="kind">pass, fail or open.</param>
    /// <param name="sign">A sign that says it without a colour.</param>
    /// <param name="word">A word that says it without a sign.</param>
    /// <param name="said">One line; markup already.</param>
    /// <param name="reasons">Why not; texts.</param>
    public static string Banner(string kind, string sign, string word, string said, IEnumerable<string> reasons)
    {
        var list = string.Concat(reasons.Select(what => $"<li>{Html.Text(what)}</li>"));
        return $"<div class=\"verdict {kind}\"><span class=\"sign\" aria-hidden=\"true\">{sign}</span><div><p class=\"word\">{word}</p><p>{said}</p>" +
            $"{(list.Length == 0 ? "" : $"<ul>{list}</ul>")}</div></div>\n";
    }

    private static string Gates(IReadOnlyList<GateResult> gates)
    {
        var missed = gates.Count(gate => !gate.Passed);
        return gates.Count == 0 ? "Measured; no gate was set." : missed > 0
            ? $"{missed} of {gates.Count} gates failed."
            : gates.Count == 1 ? "The gate passes." : $"All {gates.Count} gates pass.";
    }

    private static string Chip(ChipAudit? audit)
    {
        if (audit is null)
            return "";

        var errors = audit.Findings.Count(finding => finding.Severity == Severity.Error);
        var warnings = audit.Findings.Count - errors;
        var broken = errors == 0 ? "no rule is broken that would stop it" : $"{errors} {Plural(errors, "breach", "breaches")} of its rules";
        return $" {Html.Text(audit.Chip.Name)}: {broken}" +
            $"{(warnings == 0 ? "" : $", {warnings} {Plural(warnings, "warning", "warnings")}")}.";
    }

    private static string Plural(int count, string one, string many) => count == 1 ? one : many;

    private static IEnumerable<string> Tiles(ParityReport report)
    {
        if (report.Accuracy is { } task)
            yield return Tile("Accuracy", Html.Percent(task.Candidate, "0.00"), $"reference {Html.Percent(task.Reference, "0.00")}");

        if (Worst(report, output => output.Cosine, Enumerable.Min) is { } cosine)
            yield return Tile(
                "Cosine", Html.Fixed(cosine, "0.00000"), $"worst sample {Html.Fixed(report.Outputs.Min(output => output.WorstCosine), "0.0000")}");

        if (Worst(report, output => output.Sqnr, Enumerable.Min) is { } sqnr)
            yield return Tile("Signal to noise", Html.Decibels(sqnr), "of the outputs");

        if (Worst(report, output => output.Top1, Enumerable.Min) is { } top)
            yield return Tile("Same decision", Html.Percent(top), "as the reference");

        if (report.Survival?.EffectCosine is { } effect)
            yield return Tile("Adapter's effect", Html.Fixed(effect, "0.0000"), "cosine to the float effect");

        yield return Tile("Samples", Html.Number(report.Samples), report.Domain.Length == 0 ? "measured" : Html.Text(report.Domain));
    }

    private static double? Worst(ParityReport report, Func<OutputParity, double?> value, Func<IEnumerable<double>, double> worst) =>
        report.Outputs.Select(value).OfType<double>().ToList() is { Count: > 0 } values ? worst(values) : null;

    private static string Tile(string name, string value, string note) =>
        $"<div><dt>{name}</dt><dd><span class=\"figure\">{value}</span><span class=\"note\">{note}</span></dd></div>";
}
