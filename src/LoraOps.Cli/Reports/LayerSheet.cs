using LoraOps.Cli.Output;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports;

/// <summary>The layers, the worst samples and the confusions of a parity report, as part of a command's answer.</summary>
internal static class LayerSheet
{
    private static readonly string[] Columns =
        ["node", "operator", "precision", "weight sqnr", "input sqnr", "output sqnr", "min", "max", "clipped", "peak/rms=peak to rms"];

    /// <summary>Adds the layers, what of them a person should know, and for scripts their histograms.</summary>
    public static Sheet AddLayers(this Sheet sheet, IReadOnlyList<LayerReport> layers) => layers.Count == 0 ? sheet : sheet
        .AddGrid("layers", Columns, layers.Select(Row))
        .AddNotes("layer warnings", layers.SelectMany(layer => layer.Warnings.Select(warning => $"{layer.Node}: {warning}")))
        .AddGrid("histograms", ["node", "of", "min", "max", "counts"], layers.SelectMany(Histograms), detail: true);

    /// <summary>Adds the worst samples and the confusions, which people see in a report or with -v.</summary>
    public static Sheet AddSamples(this Sheet sheet, ParityReport report)
    {
        sheet.AddGrid(
            "worst samples",
            ["domain", "index", "output", "cosine", "label", "candidate", "reference"],
            report.WorstSamples.Select(sample => new Cell[]
            {
                sample.Domain, sample.Index, sample.Output, sample.Cosine, Of(sample.Label), Of(sample.Candidate), Of(sample.Reference),
            }),
            detail: true);
        return report.Confusion is not { } confusion ? sheet : sheet.AddGrid(
            "confusions",
            ["label", "class", "candidate", "reference"],
            Enumerable.Range(0, confusion.Candidate.Count)
                .Where(at => at / confusion.Classes != at % confusion.Classes && confusion.Candidate[at] + confusion.Reference[at] > 0)
                .Select(at => new Cell[] { at / confusion.Classes, at % confusion.Classes, confusion.Candidate[at], confusion.Reference[at] }),
            detail: true);
    }

    private static Cell[] Row(LayerReport layer) =>
    [
        layer.Node,
        layer.Op,
        layer.Precision,
        Decibels(layer.WeightSqnr),
        Decibels(layer.ActivationSqnr),
        Decibels(layer.OutputSqnr),
        layer.RangeMin,
        layer.RangeMax,
        Cell.Share(layer.ClipShare),
        Of(layer.PeakToRms),
    ];

    private static IEnumerable<Cell[]> Histograms(LayerReport layer) =>
        new[] { (Of: "values", Histogram: layer.ValueHistogram), (Of: "errors", Histogram: layer.ErrorHistogram) }
            .Where(pair => pair.Histogram is not null)
            .Select(pair => new Cell[] { layer.Node, pair.Of, pair.Histogram!.Min, pair.Histogram.Max, Cell.Counts(pair.Histogram.Counts) });

    private static Cell Decibels(double? value) => value is { } number ? Cell.Decibels(number) : Cell.None;

    private static Cell Of(double? value) => value is { } number ? number : Cell.None;

    private static Cell Of(int? value) => value is { } number ? number : Cell.None;
}
