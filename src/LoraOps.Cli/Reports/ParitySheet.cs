using System.Globalization;
using LoraOps.Cli.Output;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports;

/// <summary>A proof as a command's answer: the facts of the page, for scripts.</summary>
internal static class ParitySheet
{
    private static readonly string[] PartColumns =
        ["adapter", "held against", "samples", "output", "cosine", "worst-cosine", "max-abs", "top1", "accuracy"];

    /// <summary>The metrics of every output, the gates with how far each was missed, and everything else that was looked at.</summary>
    public static Sheet Of(ParityProof proof)
    {
        var (report, results) = (proof.Report, proof.Gates);
        var sheet = new Sheet()
            .Add("candidate", report.Candidate)
            .Add("reference", report.Reference)
            .Add("adapter", Chosen(report.Adapter), detail: report.Adapter.Length == 0)
            .Add("held against", Chosen(report.Against), detail: report.Against.Length == 0)
            .Add("samples", report.Samples)
            .Add("passed", proof.IsPassed)
            .AddGrid("metrics", ["metric", "output", "measured"], Measured(report).Select(row =>
                new Cell[] { row.Metric.Name, row.Output, row.Value }))
            .AddGrid("adapters", PartColumns, report.Parts.Where(part => part.Domain.Length == 0)
                .SelectMany(part => part.Outputs.Select(output => Row(part, output))))
            .AddGrid("domains", ["domain", .. PartColumns], report.Parts.Where(part => part.Domain.Length > 0)
                .SelectMany(part => part.Outputs.Select(output => Row(part, output).Prepend(part.Domain).ToArray())))
            .AddSurvival(report.Survival)
            .AddLayers(report.Layers)
            .AddSamples(report)
            .AddGrid("gates", ["metric", "output", "measured", "gate", "by how much", "result"], results.Select(Row));
        return AuditSheet.AddTo(sheet, proof);
    }

    /// <summary>Every number of a report, metric by metric.</summary>
    public static IEnumerable<(Metric Metric, string Output, double Value)> Measured(ParityReport report) =>
        Metrics.All.SelectMany(metric => metric.Read(report).Select(pair => (metric, pair.Output, pair.Value)));

    /// <summary>A measured number for people.</summary>
    public static string Number(double value) => value.ToString("G6", CultureInfo.InvariantCulture);

    /// <summary>How far beyond its limit a gate is, or how much room it has.</summary>
    public static string Margin(GateResult result) => result.Passed
        ? $"{Number(-result.MissedBy)} to spare"
        : double.IsNaN(result.MissedBy) ? "not a number" : $"missed by {Number(result.MissedBy)}";

    /// <summary>A text that may be missing.</summary>
    public static Cell Chosen(string text) => text.Length == 0 ? Cell.None : text;

    private static Cell[] Row(ParityReport part, OutputParity output) =>
    [
        part.Adapter,
        Chosen(part.Against),
        part.Samples,
        output.Name,
        output.Cosine,
        output.WorstCosine,
        output.MaxAbs,
        output.Top1 is { } top ? top : Cell.None,
        part.Accuracy is { } task && task.Output == output.Name ? task.Candidate : Cell.None,
    ];

    private static Cell[] Row(GateResult result) =>
    [
        result.Gate.Metric,
        result.Output,
        result.Measured,
        result.Gate.ToString(),
        new Cell(Margin(result), result.MissedBy),
        new Cell(result.Passed ? "pass" : "FAIL", result.Passed ? "pass" : "fail") { Tone = result.Passed ? Tone.Good : Tone.Bad },
    ];
}
