using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Rounding;
using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Recovering;

/// <summary>How much closer a layer's outputs came by choosing codes on data.</summary>
/// <param name="Node">The layer.</param>
/// <param name="Nearest">‖(W − Ŵ)·x‖² over the inputs with the nearest codes.</param>
/// <param name="Chosen">The same with the chosen codes.</param>
/// <param name="Changed">How many codes differ from the nearest.</param>
public sealed record RoundedLayer(string Node, double Nearest, double Chosen, int Changed)
{
    /// <summary>By how many decibels the error fell.</summary>
    public double Gain => Nearest > 0 && Chosen > 0 ? 10 * Math.Log10(Nearest / Chosen) : 0;
}

/// <summary>Chooses the codes of weights on calibration data instead of rounding them to the nearest.</summary>
public static class WeightRounding
{
    /// <summary>The codes of each layer whose inputs are worked out, for <see cref="QuantizationSettings.Codes"/>; others round to the nearest.</summary>
    /// <param name="model">The float model that is going to be quantized.</param>
    /// <param name="weights">Its weights with their scales: <see cref="StaticQuantizer.WeightsOf"/>.</param>
    /// <param name="method">How.</param>
    /// <param name="data">Calibration samples.</param>
    /// <param name="done">Told how many layers have their codes.</param>
    /// <param name="stop">Looked at between batches and rows.</param>
    /// <exception cref="Problems.LoraOpsException">The data do not fit the model.</exception>
    public static (IReadOnlyDictionary<string, sbyte[]> Codes, IReadOnlyList<RoundedLayer> Layers) Run(
        OnnxModel model, IReadOnlyList<LayerWeight> weights, RoundingMethod method, SampleSet data, Action<int> done, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(weights);
        ArgumentNullException.ThrowIfNull(done);
        var codes = new Dictionary<string, sbyte[]>(StringComparer.Ordinal);
        var layers = new Dictionary<string, RoundedLayer>(StringComparer.Ordinal);
        if (method == RoundingMethod.Nearest)
            return (codes, []);

        var byInput = weights.Select(weight => (Weight: weight, Input: LayerInput.Of(weight.Node)))
            .Where(pair => pair.Input is not null).ToLookup(pair => pair.Input!.Key, pair => pair, StringComparer.Ordinal);
        LayerMoments.Collect(model, byInput.SelectMany(group => group).Select(pair => pair.Input!), data, (input, moment) =>
        {
            foreach (var (weight, _) in byInput[input.Key])
            {
                layers[weight.Node.Name] = Choose(weight, moment, method, codes, stop);
                done(layers.Count);
            }
        }, stop);
        return (codes, [.. weights.Where(weight => layers.ContainsKey(weight.Node.Name)).Select(weight => layers[weight.Node.Name])]);
    }

    private static RoundedLayer Choose(
        LayerWeight weight, SecondMoment moment, RoundingMethod method, Dictionary<string, sbyte[]> codes, CancellationToken stop)
    {
        var layer = WeightRows.Of(weight);
        var nearest = layer.Nearest();
        var chosen = method == RoundingMethod.Gptq
            ? GptqRounding.Round(layer, moment, stop)
            : AdaptiveRounding.Round(layer, moment, stop);
        codes[weight.Node.Name] = WeightRows.Codes(weight, chosen);
        var changed = nearest.Zip(chosen).Count(pair => pair.First != pair.Second);
        return new RoundedLayer(weight.Node.Name, moment.Error(layer, nearest), moment.Error(layer, chosen), changed);
    }
}
