using System.Globalization;
using LoraOps.Cli.Output;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Quantizing;

namespace LoraOps.Cli.Commands;

/// <summary>How the ranges of a quantized model came about.</summary>
internal static class CalibrationSheet
{
    /// <summary>Adds the calibrator, the samples, what was taken from a file, and what left the base's ranges.</summary>
    public static Sheet Of(Sheet sheet, CalibrationPlan plan, CalibratedRanges ranges)
    {
        var settings = plan.Ranges?.Settings ?? plan.Settings;
        sheet.Add("calibrator", settings.Calibrator.Name).Add("samples", ranges.Samples);
        if ((plan.Ranges ?? plan.BaseRanges) is { } file)
            sheet.Add("ranges from", file.Path).Add("ranges taken over", ranges.TakenOver).Add("ranges measured", ranges.Tensors.Count - ranges.TakenOver);

        sheet.AddGrid("shared ranges", ["adapter", "tensor", "costs"], ranges.Costs
            .Select(cost => new Cell[] { cost.Adapter.Length > 0 ? cost.Adapter : "none", cost.Tensor, Cell.Decibels(cost.Decibels) }));
        sheet.AddNotes("costly ranges", ranges.Costs.Where(cost => cost.Decibels > SharedRangeCost.Much).Select(Costly));
        var moved = ranges.Drifts.Where(drift => drift.IsUnchanged && drift.IsLarge).Select(Warning);
        return sheet.AddGrid(
                "drift from the base",
                ["tensor", "changed by", "magnitude", "clipped"],
                ranges.Drifts.Select(drift => new Cell[]
                {
                    drift.Tensor, drift.IsUnchanged ? "data" : "adapter", drift.Ratio, Cell.Share(drift.Clipped),
                }),
                detail: true)
            .AddNotes("drift", moved);
    }

    private static string Costly(SharedRangeCost cost)
    {
        var who = cost.Adapter.Length > 0 ? cost.Adapter : "the base";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{who} loses {cost.Decibels:F1} dB at {cost.Tensor} to the ranges of the others; a merged model of its own would not");
    }

    private static string Warning(RangeDrift drift) => string.Create(
        CultureInfo.InvariantCulture,
        $"{drift.Tensor} is computed as in the base, but these samples take it to {drift.Ratio:F2} times the base's range, "
        + $"{drift.Clipped:P2} of its values beyond");
}
