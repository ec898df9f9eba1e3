using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Rounding;
using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Recovering;

/// <summary>Collects <see cref="SecondMoment"/> for layers, as many in one pass over the samples as memory allows.</summary>
internal static class LayerMoments
{
    private const long BytesAtOnce = 384L << 20;
    private const int LeastInputs = 4096;

    /// <summary>Hands out each moment once it is complete; it may be dropped afterwards.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="inputs">What is multiplied, each key once.</param>
    /// <param name="data">The samples.</param>
    /// <param name="done">Gets the key's moment.</param>
    /// <param name="stop">Looked at between batches.</param>
    public static void Collect(
        OnnxModel model, IEnumerable<LayerInput> inputs, SampleSet data, Action<LayerInput, SecondMoment> done, CancellationToken stop)
    {
        foreach (var together in Groups(inputs.DistinctBy(input => input.Key, StringComparer.Ordinal)))
        {
            var meters = together.ToDictionary(input => input, input => new MomentMeter(input, data.Count, Math.Max(LeastInputs, 2L * input.Columns)));
            var byValue = together.ToLookup(input => input.Activation, StringComparer.Ordinal);
            ActivationPass.Run(model, [.. byValue.Select(group => group.Key)], data, (name, shape, values) =>
            {
                foreach (var input in byValue[name])
                    meters[input].Add(values, shape.Dims);
            }, stop);
            foreach (var input in together)
                done(input, meters[input].Finish());
        }
    }

    private static IEnumerable<List<LayerInput>> Groups(IEnumerable<LayerInput> inputs)
    {
        var group = new List<LayerInput>();
        var bytes = 0L;
        foreach (var input in inputs)
        {
            var more = MomentMeter.Bytes(input);
            if (group.Count > 0 && bytes + more > BytesAtOnce)
            {
                yield return group;
                (group, bytes) = ([], 0);
            }

            group.Add(input);
            bytes += more;
        }

        if (group.Count > 0)
            yield return group;
    }
}
