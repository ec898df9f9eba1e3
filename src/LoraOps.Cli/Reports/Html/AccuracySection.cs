using LoraOps.Cli.Reports.Charts;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Html;

/// <summary>How often labels are met: over everything, in each domain, and which class is taken for which.</summary>
internal static class AccuracySection
{
    /// <summary>Renders it.</summary>
    public static HtmlSection? Of(ParityProof proof)
    {
        var report = proof.Report;
        var hasLabels = report.Accuracy is not null || report.Parts.Any(part => part.Accuracy is not null);
        if (!hasLabels && report.Parts.Count == 0)
            return null;

        return new HtmlSection(
            "accuracy", hasLabels ? "Accuracy" : "Adapters and domains",
            hasLabels ? "The bar is the candidate, the line across it the reference." : "",
            (hasLabels ? Tasks(report) : "") + Parts(report) + ConfusionPart.Of(report.Confusion));
    }

    private static string Tasks(ParityReport report)
    {
        var table = new HtmlTable(
            report.Parts.Count == 0 ? "Labels met" : "Labels met, by domain",
            "Domain", "Candidate and reference", "#Candidate", "#Reference", "#Points lost", "#Labels");
        foreach (var part in report.Parts.Where(part => part.Accuracy is not null))
            table.Row(Row(Title(part), part.Accuracy!));

        if (report.Accuracy is { } all)
            table.Row(Row(report.Parts.Count == 0 && report.Domain.Length > 0 ? Html.Name(report.Domain) : "<strong>all</strong>", all));

        return table.ToString();
    }

    private static string[] Row(string name, TaskAccuracy task) =>
    [
        name,
        ShareBar.Of(task.Candidate, task.Reference),
        Html.Percent(task.Candidate, "0.00"),
        Html.Percent(task.Reference, "0.00"),
        Html.Fixed(task.Drop, "0.00"),
        Html.Number(task.Scored),
    ];

    private static string Parts(ParityReport report)
    {
        if (report.Parts.Count == 0)
            return "";

        var table = new HtmlTable(
            "The distance, by adapter and domain",
            "Part", "Held against", "Output", "#Cosine", "#Worst sample", "#Signal to noise", "#Same decision", "#Samples");
        foreach (var part in report.Parts)
        {
            foreach (var output in part.Outputs)
            {
                table.Row(
                    Title(part), part.Against.Length == 0 ? "–" : Html.Name(part.Against), Html.Name(output.Name),
                    Html.Fixed(output.Cosine, "0.00000"), Html.Fixed(output.WorstCosine, "0.0000"),
                    Html.Decibels(output.Sqnr), output.Top1 is { } top ? Html.Percent(top) : "–", Html.Number(part.Samples));
            }
        }

        return table.ToString();
    }

    private static string Title(ParityReport part)
    {
        var names = new[] { part.Adapter, part.Domain }.Where(name => name.Length > 0).Select(Html.Name).ToArray();
        return names.Length == 0 ? Html.Name(part.Against) : string.Join(" · ", names);
    }
}
