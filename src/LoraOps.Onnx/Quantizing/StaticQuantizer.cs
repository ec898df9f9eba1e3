using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Onnx.Quantizing;

/// <summary>
/// Static INT8 quantization: each layer with a constant weight reads a quantized activation and a quantized weight, written
/// as QuantizeLinear and DequantizeLinear nodes in the places where the chip's compiler looks for them.
/// </summary>
public static class StaticQuantizer
{
    /// <summary>The tensors whose ranges <see cref="Quantize"/> needs, in graph order.</summary>
    /// <param name="prepared">A float model whose constants are folded.</param>
    /// <param name="chip">The chip.</param>
    /// <exception cref="LoraOpsException">The model's opset is too old, it is quantized already, or nothing can be quantized.</exception>
    public static IReadOnlyList<string> TensorsToCalibrate(OnnxModel prepared, ChipProfile chip) =>
        QuantizationPlan.Make(prepared, chip).Tensors;

    /// <summary>Quantizes a copy of the model.</summary>
    /// <param name="prepared">A float model whose constants are folded.</param>
    /// <param name="chip">The chip.</param>
    /// <param name="ranges">A range for each of <see cref="TensorsToCalibrate"/>.</param>
    /// <param name="settings">Where this model departs from the profile; null if nowhere.</param>
    /// <exception cref="LoraOpsException">As there; or a range is missing or not finite, a weight is not finite, or a rule is broken.</exception>
    public static Quantization Quantize(
        OnnxModel prepared, ChipProfile chip, IReadOnlyDictionary<string, TensorRange> ranges, QuantizationSettings? settings = null)
    {
        settings ??= new QuantizationSettings();
        var model = prepared.Clone();
        var plan = QuantizationPlan.Make(model, chip);
        var activations = Activations(plan, model, chip, ranges);
        var weights = Weights(plan, model, chip, activations);
        foreach (var (node, weight) in plan.Quantizable.Zip(weights))
            weight.Take(settings.Codes.GetValueOrDefault(node.Name));

        var warnings = Warnings(plan);
        var nodes = new NodeRewriter(model, chip, plan, activations).Run(weights);
        if (chip.HalfPrecisionRest)
            warnings.AddRange(HalfRange.Clamp(model));

        ModelSlimming.Slim(model, chip.Names);
        return new Quantization(model, nodes, warnings) { Findings = ChipRules.Enforce(model, chip) };
    }

    /// <summary>The weights and scales of the nodes that <see cref="Quantize"/> would quantize, in graph order.</summary>
    /// <inheritdoc cref="Quantize"/>
    public static IReadOnlyList<LayerWeight> WeightsOf(
        OnnxModel prepared, ChipProfile chip, IReadOnlyDictionary<string, TensorRange> ranges)
    {
        var plan = QuantizationPlan.Make(prepared, chip);
        var weights = Weights(plan, prepared, chip, Activations(plan, prepared, chip, ranges));
        return [.. plan.Quantizable.Zip(weights, (node, weight) => weight.Describe(node))];
    }

    // Activation scale, then the guard that may raise weight scales, then the codes of weight and bias: the order matters.
    private static QuantizedWeight[] Weights(
        QuantizationPlan plan, OnnxModel model, ChipProfile chip, Dictionary<string, ScaleZeroPoint> activations)
    {
        var weights = plan.Quantizable.Select(node => NodeRewriter.ReadWeight(node, model, chip)).ToArray();
        Refuse([.. plan.Quantizable.Zip(weights)
            .Where(pair => !pair.Second.IsFinite)
            .Select(pair => QuantizingProblems.WeightNotFinite(model.Path, pair.First.Weight?.Name ?? ""))]);
        foreach (var (node, weight) in plan.Quantizable.Zip(weights))
        {
            if (NodeRewriter.ReadBias(node, plan, model, chip) is { } bias)
                weight.GuardBias(bias, activations[plan.RangeOf(node.Activation)].Scale);
        }

        return weights;
    }

    private static Dictionary<string, ScaleZeroPoint> Activations(
        QuantizationPlan plan, OnnxModel model, ChipProfile chip, IReadOnlyDictionary<string, TensorRange> ranges)
    {
        var scheme = chip.Activations;
        var codes = scheme.Type == ActivationType.Uint8 ? CodeRange.Uint8
            : scheme.Symmetric ? CodeRange.Int8Symmetric : CodeRange.Int8;
        var mappings = new Dictionary<string, ScaleZeroPoint>(StringComparer.Ordinal);
        var problems = new List<Problem>();
        foreach (var tensor in plan.Tensors)
        {
            if (!ranges.TryGetValue(tensor, out var range))
                problems.Add(QuantizingProblems.RangeMissing(model.Path, tensor));
            else if (!float.IsFinite(range.Min) || !float.IsFinite(range.Max))
                problems.Add(QuantizingProblems.RangeInvalid(model.Path, tensor, range.Min, range.Max));
            else
                mappings[tensor] = ScaleZeroPoint.For(range, codes, scheme.Symmetric, scheme.MinRealRange);
        }

        Refuse(problems);
        return mappings;
    }

    private static List<string> Warnings(QuantizationPlan plan) =>
    [
        .. plan.Nodes.Where(node => node.Reason is not null)
            .Select(node => $"{node.Name} ({node.Node.OpType}) stays float: {node.Reason}"),
        .. plan.Inner.Select(name => $"{name} stays float: it is inside a subgraph or function"),
    ];

    private static void Refuse(List<Problem> problems)
    {
        if (problems.Count > 0)
            throw new LoraOpsException(problems);
    }
}
