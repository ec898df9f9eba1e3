using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;

namespace LoraOps.Onnx.Recovering;

/// <summary>How activations are smoothed.</summary>
/// <param name="Alpha">The share of the difficulty that moves to the weights; null to choose it for each activation.</param>
/// <param name="MayInsert">True if a Mul may be put where no norm and no layer takes the factors.</param>
public sealed record SmoothSettings(double? Alpha, bool MayInsert = false);

/// <summary>An activation that was looked at.</summary>
/// <param name="Value">Its name.</param>
/// <param name="Layers">The layers that read it.</param>
/// <param name="Alpha">The share that was moved to the weights, or null if the activation is best as it is.</param>
/// <param name="Gain">By how many decibels the expected error of those layers' outputs falls.</param>
/// <param name="FoldedInto">The nodes that took the factors; a Mul's own name if nothing did.</param>
public sealed record SmoothedActivation(string Value, IReadOnlyList<string> Layers, double? Alpha, double Gain, IReadOnlyList<string> FoldedInto);

/// <summary>
/// Divides the channels of activations that are hard to quantize and multiplies the weights that meet them. What the model computes stays.
/// </summary>
public static class SmoothQuant
{
    private static readonly double[] _shares = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

    /// <summary>The activations whose statistics <see cref="Apply"/> needs, in graph order.</summary>
    public static IReadOnlyDictionary<string, ChannelAxis> Values(OnnxModel model, ChipProfile chip, SmoothSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Targets(model, new GraphIndex(model), chip, settings).ToDictionary(
            target => target.Scaling.Value, target => target.Scaling.Axis, StringComparer.Ordinal);
    }

    /// <summary>Smooths a model in place.</summary>
    /// <param name="model">A float model whose constants are folded.</param>
    /// <param name="chip">The chip, whose types decide how much is gained.</param>
    /// <param name="statistics">Those of each of <see cref="Values"/>.</param>
    /// <param name="settings">How.</param>
    /// <returns>Each activation, in graph order; and the nodes that were put in, which must stay float.</returns>
    public static (IReadOnlyList<SmoothedActivation> Activations, IReadOnlyList<string> FloatNodes) Apply(
        OnnxModel model, ChipProfile chip, IReadOnlyDictionary<string, ChannelStatistics> statistics, SmoothSettings settings)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        ArgumentNullException.ThrowIfNull(settings);
        var index = new GraphIndex(model);
        var constants = new ConstantEditor(model, index);
        var done = new List<SmoothedActivation>();

        // From the end: an activation that folds into the layer before it changes that layer's weights, which its own activation must see.
        foreach (var target in Targets(model, index, chip, settings).Reverse())
        {
            if (statistics.TryGetValue(target.Scaling.Value, out var activations))
                done.Add(Smooth(target, activations, constants, new ExpectedError(chip, activations), settings));
        }

        done.Reverse();
        return (done, constants.FloatNodes);
    }

    private static SmoothedActivation Smooth(
        Target target, ChannelStatistics activations, ConstantEditor constants, ExpectedError error, SmoothSettings settings)
    {
        var weights = new float[target.Scaling.Channels];
        var layers = new List<ExpectedError.Layer>();
        foreach (var (operand, node) in target.Layers)
        {
            var values = constants.Read(operand.Edge);
            operand.Magnitudes(values, weights);
            layers.Add(new ExpectedError.Layer(operand, values, node.OutputAxis));
        }

        var plain = error.Of(layers, [.. Enumerable.Repeat(1.0, weights.Length)]);
        var candidates = settings.Alpha is { } given ? [given] : _shares;
        var best = candidates.Select(alpha => (Alpha: alpha, Factors: SmoothFactors.Of(activations, weights, alpha)))
            .Select(choice => (choice.Alpha, choice.Factors, Error: error.Of(layers, choice.Factors)))
            .MinBy(choice => choice.Error);
        var gain = best.Error > 0 && plain > 0 ? 10 * Math.Log10(plain / best.Error) : 0;
        string[] names = [.. target.Layers.Select(layer => layer.Node.Name)];
        if (settings.Alpha is null && gain <= 0)
            return new SmoothedActivation(target.Scaling.Value, names, null, 0, []);

        target.Scaling.Apply(constants, best.Factors);
        string[] folded = [.. target.Scaling.Above.Select(operand => operand.Edge.Node.Name).Distinct(StringComparer.Ordinal)];
        return new SmoothedActivation(target.Scaling.Value, names, best.Alpha, gain, folded.Length > 0 ? folded : [constants.FloatNodes[^1]]);
    }

    private static IReadOnlyList<Target> Targets(OnnxModel model, GraphIndex index, ChipProfile chip, SmoothSettings settings)
    {
        var quantizable = WeightedNodes.Find(model, index, chip).Where(node => node.Reason is null && IsPlain(node)).ToList();
        return [.. quantizable.GroupBy(node => node.Activation, StringComparer.Ordinal)
            .Select(nodes => Of(ChannelScaling.Find(model, index, nodes.First().Node, settings.MayInsert), [.. nodes]))
            .OfType<Target>()];
    }

    private static Target? Of(ChannelScaling? scaling, IReadOnlyList<WeightedNode> nodes) => scaling is null ? null : new Target(
        scaling,
        [.. nodes.SelectMany(node => scaling.Layers.Where(layer => ReferenceEquals(layer.Edge.Node, node.Node)).Select(layer => (layer, node)))]);

    // A convolution that looks at one place is a product of channels.
    private static bool IsPlain(WeightedNode node) =>
        !node.Node.Is("Conv") || (node.Weight!.Dims.Skip(2).All(dim => dim == 1) && node.Node.Integer("group", 1) == 1);

    private sealed record Target(ChannelScaling Scaling, IReadOnlyList<(ScaledOperand Operand, WeightedNode Node)> Layers);
}
