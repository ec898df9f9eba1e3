namespace LoraOps.Cli.Reports.Html;

/// <summary>The samples on which candidate and reference differ most.</summary>
internal static class WorstSection
{
    private const int MostRows = 20;

    /// <summary>Renders it.</summary>
    public static HtmlSection? Of(ParityProof proof)
    {
        var samples = proof.Report.WorstSamples;
        if (samples.Count == 0)
            return null;

        var table = new HtmlTable("Samples with the smallest cosine, counted from 0 in their data", "Sample", "#Cosine", "Decision", "Output", "Of");
        foreach (var sample in samples.Take(MostRows))
        {
            var label = sample.Label is { } right ? $" (label {right})" : "";
            var decision = sample is not { Candidate: { } mine, Reference: { } theirs } ? "–" : mine == theirs
                ? $"{Html.Mark(true, $"both {mine}")}{label}"
                : $"{Html.Warning($"{mine} instead of {theirs}")}{label}";
            table.Row(Html.Number(sample.Index), Html.Fixed(sample.Cosine, "0.00000"), decision, Html.Name(sample.Output), Name(sample.Domain));
        }

        return new HtmlSection(
            "worst", "Worst samples", "Look at these first: what they share is often what the calibration data lacks.",
            table + More.Of(samples.Count, MostRows));
    }

    private static string Name(string domain) => domain.Length == 0 ? "–" : Html.Name(domain);
}
