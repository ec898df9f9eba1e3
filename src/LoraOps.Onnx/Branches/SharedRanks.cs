using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Branches;

/// <summary>How many dimensions a value has that is the same for every sample.</summary>
internal static class SharedRanks
{
    private static readonly HashSet<string> _kept = new(StringComparer.Ordinal)
    {
        "Cast", "Identity", "Transpose", "Slice", "Concat", "Split", "Trilu", "Tile", "Neg", "Sqrt", "Not", "Sin", "Cos", "Exp", "Log", "Abs", "Erf", "Tanh",
        "Sigmoid", "Relu", "Clip", "CumSum", "Softmax", "LayerNormalization", "Pad", "Conv", "Resize", "Reciprocal", "QuantizeLinear", "DequantizeLinear",
        "ScatterND", "ScatterElements", "Floor", "Ceil", "Round", "Sign", "Dropout", "Gelu", "LogSoftmax",
    };

    /// <summary>The rank of a node's outputs, or null if it is not known.</summary>
    public static int? Of(BatchTrace trace, NodeProto node)
    {
        var first = trace[node.InputAt(0)].Rank;
        return node.OpType switch
        {
            "Shape" or "Range" => 1,
            "Size" => 0,
            "ConstantOfShape" => trace.Sizes(node.InputAt(0))?.Count,
            "RandomNormal" or "RandomUniform" => node.Integers("shape").Count,
            "Constant" => OfConstant(node),
            "EyeLike" or "Flatten" or "Gemm" => 2,
            "Reshape" => trace.Sizes(node.InputAt(1))?.Count,
            "Gather" => first + trace[node.InputAt(1)].Rank - 1,
            "Unsqueeze" => first + BatchRules.Axes(trace, node)?.Count,
            "Squeeze" => first - BatchRules.Axes(trace, node)?.Count,
            "MatMul" when first >= 2 && trace[node.InputAt(1)].Rank is >= 2 and var second => Math.Max(first.Value, second),
            _ when BatchRules.IsElementwise(node.OpType) => Widest([.. node.Input.Select(input => trace[input].Rank)]),
            _ when node.OpType.StartsWith("Reduce", StringComparison.Ordinal) =>
                node.Integer("keepdims", 1) == 1 ? first : first - BatchRules.Axes(trace, node)?.Count,
            "OneHot" => first + 1,
            _ when _kept.Contains(node.OpType) => first,
            _ => null,
        };
    }

    private static int? OfConstant(NodeProto node) => node.Attribute.FirstOrDefault() switch
    {
        { Name: "value", T: { } tensor } => tensor.Dims.Count,
        { Name: "value_int" or "value_float" or "value_string" } => 0,
        { Name: "value_ints" or "value_floats" or "value_strings" } => 1,
        _ => null,
    };

    private static int? Widest(List<int?> ranks) => ranks.Contains(null) ? null : ranks.Max();
}
