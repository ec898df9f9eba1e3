using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Recovering;
using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Recovering;

/// <summary>A layer whose mean output was brought back.</summary>
/// <param name="Node">The layer.</param>
/// <param name="Into">The node whose constant took the correction.</param>
/// <param name="Shift">The root mean square of what was taken away, over its output channels.</param>
public sealed record CorrectedBias(string Node, string Into, double Shift);

/// <summary>
/// Empirical bias correction: what quantization adds to the mean of each output channel, E[Ŵx̂] − E[Wx], is taken from the layer's bias.
/// Layers are corrected from the input to the output, since what is corrected before changes what comes in behind.
/// </summary>
public static class BiasCorrection
{
    /// <summary>Corrects a copy of the float model, so that its quantized form is right in the mean.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="quantize">Quantizes it with ranges and codes that are fixed.</param>
    /// <param name="data">Calibration samples.</param>
    /// <param name="steps">Told which step of how many begins: layers that do not depend on one another are corrected together.</param>
    /// <param name="stop">Looked at between batches.</param>
    /// <returns>The corrected float model, and each layer.</returns>
    /// <exception cref="Problems.LoraOpsException">The data do not fit, or a layer's output becomes NaN or infinite.</exception>
    public static (OnnxModel Model, IReadOnlyList<CorrectedBias> Layers) Run(
        OnnxModel model, Func<OnnxModel, Quantization> quantize, SampleSet data, Action<int, int> steps, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(quantize);
        ArgumentNullException.ThrowIfNull(steps);
        var quantized = quantize(model);
        var nodes = quantized.Nodes.Where(node => node.IsQuantized && node.Op is "Conv" or "MatMul" or "Gemm").Select(node => node.Node).ToList();
        var corrected = model.Clone();
        var done = new List<CorrectedBias>();
        var levels = LayerLevels.Of(model, nodes);
        for (var level = 0; level < levels.Count; level++)
        {
            steps(level + 1, levels.Count);
            foreach (var (node, shift) in Shifts(model, quantized.Model, levels[level], data, stop))
            {
                if (shift.Any(value => value != 0) && LayerBias.Add(corrected, node, shift) is { } place)
                    done.Add(new CorrectedBias(node, place, Size(shift)));
            }

            quantized = quantize(corrected);
        }

        return (corrected, done);
    }

    private static IEnumerable<(string Node, double[] Shift)> Shifts(
        OnnxModel model, OnnxModel quantized, IReadOnlyList<string> nodes, SampleSet data, CancellationToken stop)
    {
        var (wanted, given) = (Outputs(model, nodes), Outputs(quantized, nodes));
        var meters = nodes.Select(node => new ShiftMeter(model.Graph.Node.First(known => known.Name == node).Is("Conv")
            ? ChannelAxis.Second
            : ChannelAxis.Last)).ToArray();
        ActivationPass.Compare((model, wanted), (quantized, given), data, (pair, left, right) => meters[pair].Add(left, right), stop);
        return nodes.Select((node, at) => (node, meters[at].Correction()));
    }

    private static List<string> Outputs(OnnxModel model, IReadOnlyList<string> nodes) =>
        [.. nodes.Select(name => model.Graph.Node.First(node => node.Name == name).Output[0])];

    private static double Size(double[] shift) => Math.Sqrt(shift.Sum(value => value * value) / Math.Max(1, shift.Length));
}
