using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Recovering;
using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Recovering;

/// <summary>Measures channels of activations in one pass over the samples.</summary>
public static class ChannelPass
{
    /// <summary>The statistics of each value.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="values">Names of values of the main graph, and where their channels are.</param>
    /// <param name="data">Calibration samples.</param>
    /// <param name="stop">Looked at between batches.</param>
    /// <exception cref="Problems.LoraOpsException">The data do not fit, or a value becomes NaN or infinite.</exception>
    public static IReadOnlyDictionary<string, ChannelStatistics> Run(
        OnnxModel model, IReadOnlyDictionary<string, ChannelAxis> values, SampleSet data, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(values);
        var meters = values.ToDictionary(value => value.Key, value => new ChannelMeter(value.Value), StringComparer.Ordinal);
        ActivationPass.Run(model, [.. values.Keys], data, (name, shape, elements) => meters[name].Add(elements, shape.Dims), stop);
        var results = meters.ToDictionary(meter => meter.Key, meter => meter.Value.Result, StringComparer.Ordinal);
        foreach (var (name, result) in results)
        {
            if (!result.Square.All(double.IsFinite))
                throw new Problems.LoraOpsException(Problems.ParityProblems.ActivationNotFinite(model.Path, name, "NaN or infinite", data.Path));
        }

        return results;
    }
}
