namespace LoraOps.Cli.Reports.Html;

/// <summary>What was compared, so that somebody else can do it again.</summary>
internal static class FileSection
{
    /// <summary>Renders it.</summary>
    public static HtmlSection Of(ParityProof proof)
    {
        var report = proof.Report;
        var facts = new List<(string Name, string Value)>
        {
            ("Candidate", ReportText.FileName(report.Candidate)),
            ("Reference", string.Join(", ", report.Reference.Split(", ").Select(ReportText.FileName))),
            ("Adapter", report.Adapter),
            ("Held against", report.Against),
            ("Samples", Html.Number(report.Samples)),
            ("Chip", proof.Chip is { } audit ? $"{audit.Chip.Name}, {audit.Chip.Sdk}, profile {audit.Chip.Digest}" : ""),
            ("Tool", $"loraops {CommandLine.Version}"),
        };
        var list = string.Concat(facts.Where(fact => fact.Value.Length > 0).Select(fact => $"<dt>{fact.Name}</dt><dd>{Html.Text(fact.Value)}</dd>"));
        var table = new HtmlTable("The files, by their SHA-256", "Role", "File", "SHA-256").Rows(proof.Files.Select(file => new[]
        {
            Html.Text(file.Role), Html.Name(file.Name), $"<code>{Html.Text(file.Sha256)}</code>",
        }));
        return new HtmlSection("files", "What was compared", "", $"<dl class=\"facts\">{list}</dl>\n{(proof.Files.Count > 0 ? table : "")}");
    }
}
