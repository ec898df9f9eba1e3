using LoraOps.Cli.Output;
using LoraOps.Merging;

namespace LoraOps.Cli.Inspecting;

/// <summary>What a merge does, or would do.</summary>
internal static class MergeSheet
{
    private static readonly string[] WeightColumns = ["tensor", "action", "type", "shape", "modules", "transposed", "new"];

    private static readonly string[] MeasureColumns =
        ["tensor", "|W|=norm", "|dW|=changeNorm", "|dW|/|W|=ratio", "unchanged", "share=unchangedShare", "rounding loss"];

    /// <summary>Adds how each tensor of the output comes to be.</summary>
    public static Sheet AddTensors(this Sheet sheet, MergeSummary summary) => sheet
        .AddGrid("weights", WeightColumns, summary.Changed.Select(Row), detail: true)
        .AddGrid("copied", ["tensor", "action"], summary.Copied.Select(name => new Cell[] { name, "copy" }), detail: true);

    /// <summary>Adds what the base has no tensor for, with what it may have been.</summary>
    public static Sheet AddUnmatched(this Sheet sheet, MergeSummary summary) => sheet
        .AddGrid("unmatched", ["adapter", "parameter", "nearest"], summary.Unmatched.Select(missed => new Cell[]
        {
            missed.Adapter, missed.Parameter, Cell.List(missed.Nearest),
        }));

    /// <summary>Adds how much the merge changes each tensor and all of them together.</summary>
    public static Sheet AddMeasures(this Sheet sheet, IReadOnlyList<WeightMeasure> measures)
    {
        var counted = measures.Where(measure => measure.Unchanged is not null).ToList();
        var (unchanged, elements) = (counted.Sum(measure => measure.Unchanged!.Value), counted.Sum(measure => measure.Elements));
        var norm = Whole(measures, measure => measure.Norm);
        return sheet
            .Add("change", norm == 0 ? Cell.None : Whole(measures, measure => measure.ChangeNorm) / norm)
            .Add("unchanged weights", unchanged)
            .Add("unchanged share", elements == 0 ? Cell.None : Cell.Share((double)unchanged / elements))
            .AddGrid("measures", MeasureColumns, measures.Select(Row));
    }

    private static double Whole(IEnumerable<WeightMeasure> measures, Func<WeightMeasure, double?> norm) =>
        Math.Sqrt(measures.Sum(measure => norm(measure) is { } value ? value * value : 0));

    private static Cell[] Row(WeightMeasure measure) =>
    [
        measure.Name,
        Number(measure.Norm),
        Number(measure.ChangeNorm),
        Number(measure.Ratio),
        measure.Unchanged is { } count ? count : Cell.None,
        measure.UnchangedShare is { } share ? Cell.Share(share) : Cell.None,
        Number(measure.Loss),
    ];

    private static Cell Number(double? value) => value is { } number ? number : Cell.None;

    private static Cell[] Row(MergedWeight weight) =>
    [
        weight.Name,
        weight.Action,
        weight.Type,
        $"[{string.Join(", ", weight.Shape)}]",
        Cell.List(weight.Modules),
        weight.IsTransposed,
        weight.IsNew,
    ];
}
