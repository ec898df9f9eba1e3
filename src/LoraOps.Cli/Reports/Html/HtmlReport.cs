namespace LoraOps.Cli.Reports.Html;

/// <summary>The page of a validation: the verdict, what it rests on, and where the error sits.</summary>
internal static class HtmlReport
{
    /// <summary>The sections, in the order of the page; each gives nothing where it has nothing to say.</summary>
    private static readonly Func<ParityProof, HtmlSection?>[] Sections =
    [
        GateSection.Of, ChipSection.Of, MetricSection.Of, AccuracySection.Of, WorstSection.Of, SurvivalSection.Of, LayerSection.Of,
        KernelSection.Of, FileSection.Of,
    ];

    /// <summary>Renders a proof.</summary>
    public static string Write(ParityProof proof) => HtmlPage.Write(
        "LoraOps parity report",
        ReportText.FileName(proof.Report.Candidate),
        VerdictPart.Of(proof),
        [.. Sections.Select(section => section(proof)).OfType<HtmlSection>()]);
}
