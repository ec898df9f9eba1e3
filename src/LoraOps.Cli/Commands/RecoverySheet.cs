using LoraOps.Cli.Output;
using LoraOps.Runtime.Recovering;

namespace LoraOps.Cli.Commands;

/// <summary>What was done to keep the accuracy, and to which layers.</summary>
internal static class RecoverySheet
{
    /// <summary>Adds it to what a command says; nothing where nothing was done.</summary>
    public static void Add(Sheet sheet, RecoveryReport report)
    {
        var smoothed = report.Smoothed.Where(activation => activation.Alpha is not null).ToList();
        if (report.Smoothed.Count > 0)
            sheet.Add("smoothed activations", $"{smoothed.Count} of {report.Smoothed.Count}");

        if (report.Equalized.Count > 0)
            sheet.Add("equalized values", report.Equalized.Count);

        if (report.Rounded.Count > 0)
            sheet.Add("layers rounded on data", report.Rounded.Count);

        if (report.Corrected.Count > 0)
            sheet.Add("corrected biases", report.Corrected.Count);

        sheet
            .AddGrid("smoothed", ["activation", "layers", "alpha", "expected gain", "folded into"], smoothed.Select(activation => new Cell[]
            {
                activation.Value,
                string.Join(", ", activation.Layers),
                activation.Alpha ?? 0,
                Cell.Decibels(activation.Gain),
                string.Join(", ", activation.FoldedInto),
            }), detail: true)
            .AddGrid("equalized", ["value", "before", "after", "smallest factor", "largest factor"], report.Equalized.Select(value => new Cell[]
            {
                value.Value, string.Join(", ", value.Before), string.Join(", ", value.After), value.Smallest, value.Largest,
            }), detail: true)
            .AddGrid("rounded on data", ["node", "codes changed", "error falls by"], report.Rounded.Select(layer => new Cell[]
            {
                layer.Node, layer.Changed, Cell.Decibels(layer.Gain),
            }), detail: true)
            .AddGrid("biases", ["node", "in", "rms shift"], report.Corrected.Select(bias => new Cell[]
            {
                bias.Node, bias.Into, bias.Shift,
            }), detail: true);
    }
}
