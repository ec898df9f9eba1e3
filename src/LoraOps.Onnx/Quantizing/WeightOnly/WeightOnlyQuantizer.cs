using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Onnx.Quantizing.WeightOnly;

/// <summary>
/// Weight-only quantization: the weights of layers become 8 or 4 bits with a scale for each block of inputs or each output channel, activations
/// stay float, no calibration data is needed. Layers are read, quantized and replaced one after another.
/// </summary>
public static class WeightOnlyQuantizer
{
    private static readonly string[] _products = ["MatMul", "Gemm"];
    private static readonly string[] _all = ["Conv", "MatMul", "Gemm"];

    /// <summary>The name by which a chip's profile lists a scheme.</summary>
    public static string SchemeOf(WeightOnlySettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return $"weights-{settings.Bits}-{(settings.BlockSize == 0 ? "channel" : settings.Format == WeightFormat.NBits ? "nbits" : "qdq")}";
    }

    /// <summary>Quantizes a copy of the model.</summary>
    /// <param name="prepared">A float model whose constants are folded.</param>
    /// <param name="chip">The chip.</param>
    /// <param name="settings">Bits, blocks and format.</param>
    /// <param name="precisions">Which layers stay float; null for none.</param>
    /// <exception cref="LoraOpsException">
    /// The chip does not run the scheme, the opset is too old or cannot be raised, nothing can be quantized, a weight is not finite, or a rule is broken.
    /// </exception>
    public static Quantization Quantize(OnnxModel prepared, ChipProfile chip, WeightOnlySettings settings, QuantizationSettings? precisions = null)
    {
        ArgumentNullException.ThrowIfNull(prepared);
        ChipSchemes.Demand(chip, SchemeOf(settings), prepared.Path);
        var model = prepared.Clone();
        var layers = LayersOf(model, chip, settings, precisions ?? new QuantizationSettings());
        if (settings is { BlockSize: > 0, Format: WeightFormat.Qdq })
            OpsetRaising.To(model, BlockedDequantizing.Opset);

        var writer = new WeightOnlyWriter(model, settings);
        var problems = new List<Problem>();
        var nodes = new List<QuantizedNode>();
        foreach (var layer in layers)
        {
            var entry = new QuantizedNode(layer.Name, layer.Node.OpType, layer.Node.Input[1], layer.Reason) { Activation = layer.Activation };
            nodes.Add(layer.Reason is null ? writer.Write(layer, entry, problems) : entry);
        }

        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        writer.Finish();
        ModelSlimming.Slim(model, chip.Names);
        return new Quantization(model, nodes, MatrixLayers.Warnings(layers)) { Findings = ChipRules.Enforce(model, chip) };
    }

    private static IReadOnlyList<WeightedNode> LayersOf(
        OnnxModel model, ChipProfile chip, WeightOnlySettings settings, QuantizationSettings layers) => settings.BlockSize == 0
        ? MatrixLayers.Find(model, chip, layers, _all, "")
        : MatrixLayers.Find(model, chip, layers, _products, "blocks lie along the inputs of a matrix product");
}
