using LoraOps.Cli.Output;
using LoraOps.Runtime.Calibrating;

namespace LoraOps.Cli.Inspecting;

/// <summary>What is in a file of ranges.</summary>
internal static class RangesSheet
{
    /// <summary>Reads and describes a file.</summary>
    public static Sheet Of(string path)
    {
        var file = RangeFile.Load(path);
        var settings = file.Settings;
        var clipped = file.Tensors.Count(tensor => tensor.Range != tensor.Observed);
        return new Sheet()
            .Add("kind", "ranges")
            .Add("path", path)
            .Add("model digest", Cell.Digest(file.Model))
            .Add("data digest", Cell.Digest(file.Data))
            .Add("samples", file.Samples)
            .Add("calibrator", settings.Calibrator.Name)
            .Add("percentile", settings.Percentile, detail: settings.Calibrator != Calibrators.Percentile)
            .Add("bins", settings.Bins, detail: !settings.Calibrator.NeedsCounts)
            .Add("moving average", settings.MovingAverage is { } weight ? weight : Cell.None, detail: settings.MovingAverage is null)
            .Add("codes", settings.Codes.Count)
            .Add("symmetric", settings.Codes.IsSymmetric)
            .Add("tensor count", file.Tensors.Count)
            .Add("narrower than observed", clipped)
            .AddGrid("tensors", ["name", "min", "max", "observed min", "observed max"], file.Tensors.Select(tensor => new Cell[]
            {
                tensor.Name, (double)tensor.Range.Min, (double)tensor.Range.Max, (double)tensor.Observed.Min, (double)tensor.Observed.Max,
            }));
    }
}
