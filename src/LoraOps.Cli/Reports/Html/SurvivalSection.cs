using LoraOps.Cli.Reports.Charts;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Html;

/// <summary>Whether the adapter is still there: in each layer's weights, and in what the model says.</summary>
internal static class SurvivalSection
{
    private const int MostRows = 400;

    /// <summary>Renders it.</summary>
    public static HtmlSection? Of(ParityProof proof)
    {
        if (proof.Report.Survival is not { } survival)
            return null;

        return new HtmlSection(
            "survival", "Did the adapter survive?",
            "Quantization rounds; an adapter's change may be smaller than the rounding. The effect is what the adapter changes in the outputs, " +
            "quantized against float: its cosine is 1 and its ratio 1 where nothing of it is lost.",
            Effects(survival) + Modules(survival.Modules));
    }

    private static string Effects(SurvivalReport survival)
    {
        if (survival.Effects.Count == 0)
            return "";

        var table = new HtmlTable(
            survival.Origin.Length == 0 ? "The adapter's effect on the outputs" : $"The adapter's effect on the outputs, measured from {survival.Origin}",
            "Output", "Cosine of the effect", "#Cosine", "#Ratio");
        foreach (var effect in survival.Effects)
            table.Row(Html.Name(effect.Output), ShareBar.Of(effect.Cosine), Html.Fixed(effect.Cosine, "0.0000"), Html.Fixed(effect.Ratio, "0.0000"));

        return table.ToString();
    }

    private static string Modules(IReadOnlyList<ModuleSurvival> modules)
    {
        if (modules.Count == 0)
            return "";

        var lost = modules.Count(module => module.Verdict == SurvivalVerdict.Buried);
        var table = new HtmlTable(
            "The adapter's change of each layer, before (ΔW) and after quantization (ΔQ)",
            "Module", "Verdict", "cos(ΔQ, ΔW)", "#Cosine", "#SNR of ΔW", "#Worst channel", "#Codes changed", "#Clipped");
        foreach (var module in modules.Take(MostRows))
        {
            table.Row(
                Html.Name(module.Module),
                Verdict(module.Verdict),
                ShareBar.Of(module.DeltaCosine),
                Html.Fixed(module.DeltaCosine, "0.000"),
                Html.Decibels(module.SnrDelta),
                Html.Decibels(module.SmallestSnrDelta),
                Html.Percent(module.ChangedCodes),
                Html.Percent(module.ClippedShare, "0.00"));
        }

        return $"<p>{Html.Mark(lost == 0, $"In all {modules.Count} adapted layers the change is above the rounding or near it.",
            $"In {lost} of {modules.Count} adapted layers the change is buried in the rounding.")}</p>\n{table}{More.Of(modules.Count, MostRows)}";
    }

    private static string Verdict(SurvivalVerdict verdict) => verdict switch
    {
        SurvivalVerdict.Kept => Html.Mark(true, "kept"),
        SurvivalVerdict.Doubtful => Html.Warning("doubtful"),
        _ => Html.Mark(false, bad: "buried"),
    };
}
