using LoraOps.Cli.Output;
using LoraOps.Cli.Reports.Charts;
using LoraOps.Cli.Reports.Checks;
using LoraOps.Recipes;

namespace LoraOps.Cli.Reports.Html;

/// <summary>The page of a recipe: every adapter on every chip, and for each job its gates, rules and files. Without times.</summary>
internal static class RunPage
{
    private const int MostReasons = 10;

    /// <summary>Renders it.</summary>
    public static string Write(Report report, CheckList checks)
    {
        var failed = report.Jobs.Count(job => job.Status is JobStatus.Failed or JobStatus.GateFailed);
        var said = $"{report.Jobs.Count - failed} of {report.Jobs.Count} bundles are published. {Html.Text(Capital(checks.Verdict))}.";
        var reasons = checks.Findings.Where(finding => finding.Check.Outcome == Outcome.Failed).Take(MostReasons)
            .Select(finding => $"{finding.Suite.Name}: {finding.Check.What}");
        return HtmlPage.Write(
            "LoraOps recipe report",
            report.Name,
            failed > 0 ? VerdictPart.Banner("fail", "✗", "Failed", said, reasons) : VerdictPart.Banner("pass", "✓", "Passed", said, []),
            [Jobs(report), .. report.Jobs.Zip(checks.Suites, Job)]);
    }

    private static HtmlSection Jobs(Report report)
    {
        var table = new HtmlTable(
            "Every adapter on every chip", "Job", "Status", "INT8 and float accuracy", "#Base", "#Adapter", "#INT8", "#Cosine", "#Signal to noise", "#Size");
        foreach (var job in report.Jobs)
        {
            var bar = job.QuantizedAccuracy is { } accuracy ? ShareBar.Of(accuracy, job.AdapterAccuracy) : "–";
            table.Row(
                $"{Html.Name(job.Adapter)} on {Html.Name(job.Chip)}", Status(job.Status), bar, Share(job.BaseAccuracy), Share(job.AdapterAccuracy),
                Share(job.QuantizedAccuracy), job.Cosine is { } cosine ? Html.Fixed(cosine, "0.00000") : "–", Html.Decibels(job.Sqnr),
                job.Bytes is { } bytes ? Html.Text(Cell.Bytes(bytes).Text) : "–");
        }

        return new HtmlSection(
            "jobs", "Jobs", "The bar is the quantized model's accuracy, the line across it that of the same adapter in float.", table.ToString());
    }

    private static HtmlSection Job(JobReport job, CheckSuite suite)
    {
        var table = new HtmlTable("Gates and rules", "Check", "Result", "What was found", "What to do").Rows(suite.Checks.Select(check => new[]
        {
            Html.Text(check.Name), Result(check.Outcome), $"{(check.Where.Length == 0 ? "" : $"{Html.Name(check.Where)}: ")}{Html.Text(check.What)}",
            check.Advice.Length == 0 ? "–" : Html.Text(check.Advice),
        }));
        var files = new HtmlTable("The files of the bundle", "File", "#Bytes", "SHA-256").Rows(job.Files.Select(file => new[]
        {
            Html.Name(file.Path), Html.Number(file.Bytes), $"<code>{Html.Text(file.Sha256)}</code>",
        }));
        return new HtmlSection(
            $"job-{Identifier(suite.Name)}", $"{job.Adapter} on {job.Chip}", "",
            table + (job.Files.Count == 0 ? "" : $"<details><summary>Files</summary>{files}</details>\n"));
    }

    private static string Identifier(string name) => Bundles.Digest.OfText(name)[..12];

    private static string Status(JobStatus status) => status switch
    {
        JobStatus.GateFailed => Html.Mark(false, bad: "gate failed"),
        JobStatus.Failed => Html.Mark(false, bad: "failed"),
        _ => Html.Mark(true, "published"),
    };

    private static string Result(Outcome outcome) => outcome switch
    {
        Outcome.Passed => Html.Mark(true),
        Outcome.Warned => Html.Warning("warning"),
        Outcome.Skipped => "not looked at",
        _ => Html.Mark(false),
    };

    private static string Share(double? value) => value is { } share ? Html.Percent(share) : "–";

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];
}
