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
    /// <param name="settings">Where this model departs from the profile; null if nowhere.</param>
    public static IReadOnlyList<string> TensorsToCalibrate(OnnxModel prepared, ChipProfile chip, QuantizationSettings? settings = null) =>
        QuantizationPlan.Make(prepared, chip, settings).Tensors;

    /// <summary>The names of the nodes that <see cref="Quantize"/> quantizes and that could be lifted to another precision, in graph order.</summary>
    /// <inheritdoc cref="TensorsToCalibrate"/>
    public static IReadOnlyList<string> QuantizedNodes(OnnxModel prepared, ChipProfile chip, QuantizationSettings? settings = null) =>
        QuantizationPlan.Make(prepared, chip, settings).NodeNames;

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
        var plan = QuantizationPlan.Make(model, chip, settings);
        var activations = new ActivationMappings(model.Path, plan, chip, ranges);
        var weights = Weights(plan, model, chip, activations);
        foreach (var (node, weight) in plan.Quantizable.Zip(weights))
            weight.Take(settings.Codes.GetValueOrDefault(node.Name));

        var warnings = Warnings(plan);
        var nodes = new NodeRewriter(model, chip, plan, activations).Run(weights);
        if (chip.HalfPrecisionRest)
            warnings.AddRange(HalfRange.Clamp(model));

        if (settings.IsTrial)
            return new Quantization(model, nodes, warnings);

        ModelSlimming.Slim(model, chip.Names);
        IrVersions.Lower(model, chip.MaxIrVersion);
        var evidence = new RuleEvidence { Float = prepared, Ranges = ranges };
        return new Quantization(model, nodes, warnings)
        {
            Operators = [.. plan.Operators.Select(one => new QuantizedNode(RuleScope.NameOf(one.Node), one.Node.OpType, "", null)
            {
                Precision = one.Precision,
            })],
            Findings = ChipRules.Enforce(model, chip, evidence),
            NotChecked = ChipRules.NotChecked(model, chip, evidence),
        };
    }

    /// <summary>The weights and scales of the nodes that <see cref="Quantize"/> would quantize, in graph order.</summary>
    /// <inheritdoc cref="Quantize"/>
    public static IReadOnlyList<LayerWeight> WeightsOf(
        OnnxModel prepared, ChipProfile chip, IReadOnlyDictionary<string, TensorRange> ranges, QuantizationSettings? settings = null)
    {
        var plan = QuantizationPlan.Make(prepared, chip, settings);
        var weights = Weights(plan, prepared, chip, new ActivationMappings(prepared.Path, plan, chip, ranges));
        return [.. plan.Quantizable.Zip(weights, (node, weight) => weight.Describe(node))];
    }

    // Activation scale, then the guard that may raise weight scales, then the codes of weight and bias: the order matters.
    private static QuantizedWeight[] Weights(
        QuantizationPlan plan, OnnxModel model, ChipProfile chip, ActivationMappings activations)
    {
        var weights = plan.Quantizable.Select(node => NodeRewriter.ReadWeight(node, model, chip)).ToArray();
        Refuse([.. plan.Quantizable.Zip(weights)
            .Where(pair => !pair.Second.IsFinite)
            .Select(pair => QuantizingProblems.WeightNotFinite(model.Path, pair.First.Weight?.Name ?? ""))]);
        foreach (var (node, weight) in plan.Quantizable.Zip(weights))
        {
            if (NodeRewriter.ReadBias(node, plan, model, chip) is { } bias)
                weight.GuardBias(bias, activations.Of(node.Activation, plan.PrecisionOf(node.Node)).Scale);
        }

        return weights;
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
