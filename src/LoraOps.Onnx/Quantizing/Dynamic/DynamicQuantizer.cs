using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing.WeightOnly;
using LoraOps.Problems;

namespace LoraOps.Onnx.Quantizing.Dynamic;

/// <summary>
/// Dynamic INT8 quantization: weights are int8 with a scale per output channel, activations become uint8 while the model runs, so that no
/// calibration data is needed. Each layer is written in the shape that ONNX Runtime fuses to one integer kernel (DynamicQuantizeMatMul or
/// MatMulIntegerToFloat); layers that read one tensor share its quantization. Convolutions stay float: ONNX Runtime's ConvInteger is slower than
/// its float kernel, and refuses what is usual (onnxruntime issue 12854).
/// </summary>
public static class DynamicQuantizer
{
    // What a head this small loses goes into the outputs unshared, and what it saves nobody notices.
    private const long HeadShare = 64;

    private static readonly string[] _ops = ["MatMul", "Gemm"];

    /// <summary>Quantizes a copy of the model.</summary>
    /// <param name="prepared">A float model whose constants are folded.</param>
    /// <param name="chip">The chip.</param>
    /// <param name="settings">Codes that somebody chose, layers that stay float; null for none.</param>
    /// <exception cref="LoraOpsException">
    /// The chip does not run it, the opset is too old, the model is quantized already, nothing can be quantized, a weight is not finite, or a rule is broken.
    /// </exception>
    public static Quantization Quantize(OnnxModel prepared, ChipProfile chip, QuantizationSettings? settings = null)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        ArgumentNullException.ThrowIfNull(chip);
        ChipSchemes.Demand(chip, ChipSchemes.Dynamic, prepared.Path);
        var model = prepared.Clone();
        var layers = LayersOf(model, chip, settings ?? new QuantizationSettings());
        var problems = new List<Problem>();
        var writer = new DynamicWriter(model, chip);
        var nodes = new List<QuantizedNode>();
        foreach (var layer in layers)
        {
            var entry = new QuantizedNode(layer.Name, layer.Node.OpType, layer.Node.Input[1], layer.Reason) { Activation = layer.Activation };
            nodes.Add(layer.Reason is null ? writer.Write(layer, entry, settings?.Codes.GetValueOrDefault(layer.Name), problems) : entry);
        }

        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        writer.Finish();
        ModelSlimming.Slim(model, chip.Names);
        return new Quantization(model, nodes, MatrixLayers.Warnings(layers)) { Findings = ChipRules.Enforce(model, chip) };
    }

    /// <summary>The weights and scales of the layers that <see cref="Quantize"/> would quantize, in graph order, one at a time.</summary>
    /// <exception cref="LoraOpsException">As there.</exception>
    public static IEnumerable<LayerWeight> WeightsOf(OnnxModel prepared, ChipProfile chip)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        ArgumentNullException.ThrowIfNull(chip);
        var layers = LayersOf(prepared, chip, new QuantizationSettings()).Where(layer => layer.Reason is null);
        return layers.Select(layer =>
        {
            var problems = new List<Problem>();
            var values = MatrixLayers.Read(prepared, layer, problems);
            return problems.Count == 0
                ? new ColumnWeight(values, layer, chip.Weights, ScaleSearch.Range).Describe(layer)
                : throw new LoraOpsException(problems);
        });
    }

    private static IReadOnlyList<WeightedNode> LayersOf(OnnxModel model, ChipProfile chip, QuantizationSettings settings)
    {
        var layers = MatrixLayers.Find(
            model, chip, settings, _ops, "ONNX Runtime has no fast integer kernel for it without calibrated activations");
        var index = new GraphIndex(model);
        var all = layers.Where(layer => layer.Reason is null).Sum(Elements);
        return [.. layers.Select(layer => layer.Reason is null && Elements(layer) < all / HeadShare && IsLast(layer.Node.Output[0], index)
            ? layer with { Reason = "it gives the model's output, and holds next to nothing of its weights" }
            : layer)];
    }

    private static long Elements(WeightedNode layer) => layer.Weight!.Dims.Aggregate(1L, (product, dim) => product * dim);

    private static bool IsLast(string value, GraphIndex index) =>
        index.IsOutput(value) || (index.Readers(value) is [{ OpType: "Add" } bias] && index.IsOutput(bias.Output[0]));
}
