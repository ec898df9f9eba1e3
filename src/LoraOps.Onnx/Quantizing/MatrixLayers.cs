using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;

namespace LoraOps.Onnx.Quantizing;

/// <summary>The layers that schemes without calibrated activations can turn into integers.</summary>
internal static class MatrixLayers
{
    private const string Lifted = "more precision was asked for";

    /// <summary>Every weighted node of the main graph; what cannot be quantized has its reason.</summary>
    /// <param name="model">A float model whose constants are folded.</param>
    /// <param name="chip">The chip.</param>
    /// <param name="settings">Which layers are computed in float.</param>
    /// <param name="ops">The operators that the scheme has kernels for.</param>
    /// <param name="others">Why the others stay float.</param>
    /// <exception cref="LoraOpsException">The opset is too old, the model is quantized already, or nothing can be quantized.</exception>
    public static IReadOnlyList<WeightedNode> Find(
        OnnxModel model, ChipProfile chip, QuantizationSettings settings, IReadOnlyList<string> ops, string others)
    {
        QuantizationPlan.CheckInput(model);

        // What a scheme does with a bias is the same for all: it is added in float.
        var free = chip with { Bias = BiasPolicy.Float, WeightedOps = ["Conv", "MatMul", "Gemm"] };
        WeightedNode[] nodes = [.. WeightedNodes.Find(model, new GraphIndex(model), free)
            .Select(node => ops.Contains(node.Node.OpType) ? node : node with { Reason = others })
            .Select(node => node.Reason is null && IsLifted(node, settings) ? node with { Reason = Lifted } : node)];
        return nodes.Any(node => node.Reason is null or Lifted)
            ? nodes
            : throw new LoraOpsException(QuantizingProblems.NothingToQuantize(
                model.Path, chip.Name, [.. nodes.Select(node => $"{node.Name}: {node.Reason}")]));
    }

    /// <summary>The weight of a MatMul or Gemm as it is stored, with Gemm's alpha multiplied in; a copy that the caller owns.</summary>
    /// <param name="model">The model.</param>
    /// <param name="node">The node.</param>
    /// <param name="problems">Receives a problem if an element is not finite.</param>
    public static float[] Read(OnnxModel model, WeightedNode node, List<Problem> problems)
    {
        var tensor = node.Weight ?? throw new InvalidOperationException($"{node.Name} has no stored weight.");
        var values = model.Read(tensor).ToFloats();
        var factor = node.Node.Float("alpha", 1);
        for (var i = 0; factor != 1 && i < values.Length; i++)
            values[i] *= factor;

        if (!Array.TrueForAll(values, float.IsFinite))
            problems.Add(QuantizingProblems.WeightNotFinite(model.Path, tensor.Name));

        return values;
    }

    /// <summary>A weight of two dimensions with the outputs first or last, whichever way it is stored.</summary>
    public static float[] Oriented(float[] values, WeightedNode node, bool outputsFirst)
    {
        if (node.OutputAxis == (outputsFirst ? 0 : 1))
            return values;

        var dims = node.Weight!.Dims;
        return StoredWeight.Transpose(values, checked((int)dims[0]), checked((int)dims[1]));
    }

    /// <summary>What Gemm adds to its product, or null; beta is multiplied in by a node where it is not 1.</summary>
    /// <param name="node">The node.</param>
    /// <param name="replacements">Receives the constant of a beta.</param>
    /// <param name="nodes">Receives the nodes that compute it.</param>
    public static string? Bias(NodeProto node, NodeReplacements replacements, List<NodeProto> nodes)
    {
        var (bias, beta) = (node.InputAt(2), node.Float("beta", 1));
        if (bias.Length == 0 || beta == 1)
            return bias.Length == 0 ? null : bias;

        var scaled = replacements.Node("Mul", bias + "_scaled", bias, replacements.Add(OnnxTensor.Create(bias + "_beta", [], [beta])));
        nodes.Add(scaled);
        return scaled.Output[0];
    }

    /// <summary>Ends a chain of nodes: the sum has the name of what the node computed.</summary>
    public static void End(NodeProto node, NodeReplacements replacements, List<NodeProto> nodes)
    {
        var product = nodes[^1];
        if (Bias(node, replacements, nodes) is { } bias)
            nodes.Add(replacements.Node("Add", node.Name + "_bias", product.Output[0], bias));

        nodes[^1].Output[0] = node.Output[0];
    }

    /// <summary>What a person should know of layers that stay float.</summary>
    public static IReadOnlyList<string> Warnings(IEnumerable<WeightedNode> layers) => [.. layers.Where(layer => layer.Reason is not null)
        .Select(layer => $"{layer.Name} ({layer.Node.OpType}) stays float: {layer.Reason}")];

    private static bool IsLifted(WeightedNode node, QuantizationSettings settings) =>
        settings.Precisions.TryGetValue(node.Name, out var precision) && precision != LayerPrecision.Int8;
}
