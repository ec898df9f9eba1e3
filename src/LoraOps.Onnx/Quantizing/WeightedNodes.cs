using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Quantizing;

/// <summary>Finds the nodes whose weights can be quantized, and says why others cannot.</summary>
public static class WeightedNodes
{
    private const int FloatType = (int)TensorProto.Types.DataType.Float;
    private const int MaxChain = 64;

    /// <summary>The weighted nodes of the main graph, in graph order. Products of two activations are none.</summary>
    public static IReadOnlyList<WeightedNode> Find(OnnxModel model, GraphIndex index, ChipProfile chip)
    {
        var found = new List<WeightedNode>();
        foreach (var node in model.Graph.Node.Where(node => node.Is("Conv", "ConvTranspose", "MatMul", "Gemm") && node.Input.Count > 1))
        {
            var weight = index.Constant(node.Input[1]);
            if (weight is not null)
                found.Add(new WeightedNode(node, weight, OutputAxis(node, weight), Obstacle(node, weight, index, chip)));
            else if (IsComputedFromConstants(node.Input[1], index, MaxChain))
                found.Add(new WeightedNode(node, null, 0, "its weight is computed in the graph; fold constants first"));
            else if (index.Constant(node.Input[0]) is not null)
                found.Add(new WeightedNode(node, null, 0, "its constant is the left operand"));
        }

        return found;
    }

    private static int OutputAxis(NodeProto node, TensorProto weight) => node.OpType switch
    {
        "Conv" => 0,
        "ConvTranspose" => 1,
        "Gemm" => node.Integer("transB", 0) != 0 ? 0 : 1,
        _ => weight.Dims.Count - 1,
    };

    private static string? Obstacle(NodeProto node, TensorProto weight, GraphIndex index, ChipProfile chip)
    {
        // Adapters are small beside the layers, and what they change must not be rounded away.
        if (node.Name.StartsWith("/loraops/", StringComparison.Ordinal))
            return "it belongs to the branch of an adapter";

        if (!chip.WeightedOps.Contains(node.OpType))
            return $"{chip.Name} runs {node.OpType} in float";

        if (weight.DataType != FloatType)
            return $"its weight is {OnnxTensor.TypeOf(weight.DataType)?.ToString() ?? "no number"}, not F32";

        if (index.Constant(node.Input[0]) is not null)
            return "both of its operands are constant; fold constants first";

        var wrongRank = node.OpType is "Conv" or "ConvTranspose" ? weight.Dims.Count < 3 : weight.Dims.Count != 2;
        if (wrongRank || weight.Dims.Contains(0))
            return $"its weight has dimensions [{string.Join(", ", weight.Dims)}]";

        if (node.OpType == "Gemm" && node.Integer("transA", 0) != 0)
            return "its activation is transposed";

        if (chip.Bias == BiasPolicy.Int32 && node.InputAt(2).Length > 0 && !HasRowBias(node, weight, index))
            return "its bias is no constant row; fold constants first";

        return SmallLayers.Reason(node, weight, index, chip);
    }

    private static bool HasRowBias(NodeProto node, TensorProto weight, GraphIndex index) =>
        index.Constant(node.Input[2]) is { } bias && bias.DataType == FloatType
        && IsRow(bias, new WeightedNode(node, weight, OutputAxis(node, weight), null).OutputChannels);

    private static bool IsRow(TensorProto bias, long outputs) =>
        bias.Dims.SkipLast(1).All(dim => dim == 1) && (bias.Dims.Count == 0 || bias.Dims[^1] == 1 || bias.Dims[^1] == outputs);

    private static bool IsComputedFromConstants(string value, GraphIndex index, int depth) =>
        index.Constant(value) is not null || (depth > 0 && index.Producer(value) is { } node
            && node.Is("Transpose", "Reshape", "Identity", "Cast", "Unsqueeze", "Squeeze", "Flatten", "Mul", "Add", "Slice")
            && node.Input.All(input => IsComputedFromConstants(input, index, depth - 1)));
}
