using LoraOps.Onnx.Chips;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;

namespace LoraOps.Runtime.Quantizing;

/// <summary>Ranks layers by what each of them alone does to the model's outputs.</summary>
internal static class SensitivityScan
{
    /// <summary>Quantizes one node after another, all others in float, and measures the outputs; the worst first, ties in graph order.</summary>
    public static IReadOnlyList<LayerSensitivity> Run(PrecisionTrial trial, SampleSet samples, WorkStages stages, CancellationToken stop)
    {
        stages.Begin($"measuring what each of {trial.Nodes.Count} layers does alone, on {samples.Count} samples", trial.Nodes.Count);
        var layers = new List<LayerSensitivity>();
        foreach (var node in trial.Nodes)
        {
            var alone = trial.With(trial.Nodes.Where(other => other != node), LayerPrecision.Float);
            var report = trial.Measure(alone, samples, new ParityOptions(), stop);
            layers.Add(new LayerSensitivity(node, trial.Operators[node], report.Outputs.Min(output => output.Sqnr)));
            stages.Reach(layers.Count);
        }

        return [.. layers.OrderBy(layer => double.IsNaN(layer.Sqnr) ? double.NegativeInfinity : layer.Sqnr)];
    }
}
