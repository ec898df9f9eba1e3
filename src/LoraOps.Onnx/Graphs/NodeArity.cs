using LoraOps.Onnx.Proto;
using LoraOps.Problems;

namespace LoraOps.Onnx.Graphs;

/// <summary>How many inputs an operator cannot do without, so that whoever looks at a loaded graph may count on them.</summary>
internal static class NodeArity
{
    private const long OldestOpset = 11;

    /// <summary>Refuses nodes that lack an input or every output.</summary>
    /// <exception cref="LoraOpsException">A node does.</exception>
    public static void Check(OnnxModel model)
    {
        // Before, some operators had as attributes what are inputs now.
        var most = model.Opset() < OldestOpset ? 1 : int.MaxValue;
        foreach (var node in model.AllNodes())
        {
            var needed = node.Domain switch
            {
                "" or "ai.onnx" => Standard(node.OpType),
                "com.microsoft" => Contrib(node.OpType),
                _ => 0,
            };
            var isStandard = node.Domain is "" or "ai.onnx" or "com.microsoft";
            if (Enumerable.Range(0, Math.Min(most, needed)).Any(input => node.InputAt(input).Length == 0) || (isStandard && node.Output.Count == 0))
            {
                throw new LoraOpsException(OnnxProblems.NotOnnx(
                    model.Path, $"node '{node.Name}' ({node.OpType}) has {node.Input.Count} inputs and {node.Output.Count} outputs, which are too few"));
            }
        }
    }

    private static int Standard(string op) => op switch
    {
        "Constant" or "Loop" or "RandomNormal" or "RandomUniform" or "SequenceEmpty" => 0,
        "QLinearConv" or "QLinearMatMul" => 8,
        "BatchNormalization" => 5,
        "GRU" or "GroupNormalization" or "InstanceNormalization" or "LSTM" or "OneHot" or "RNN" or "Range" or "RoiAlign"
            or "ScatterElements" or "ScatterND" or "Where" => 3,
        "Add" or "And" or "BitShift" or "Compress" or "Conv" or "ConvTranspose" or "CumSum" or "DequantizeLinear" or "Div" or "Equal"
            or "Expand" or "Gather" or "GatherElements" or "GatherND" or "Gemm" or "Greater" or "GreaterOrEqual" or "LayerNormalization"
            or "Less" or "LessOrEqual" or "MatMul" or "MatMulInteger" or "Mod" or "Mul" or "Or" or "PRelu" or "Pow" or "QuantizeLinear"
            or "RMSNormalization" or "Reshape" or "ReverseSequence" or "Sub" or "Tile" or "TopK" or "Xor" => 2,
        _ => 1,
    };

    private static int Contrib(string op) => op switch
    {
        "QAttention" => 5,
        "EmbedLayerNormalization" => 4,
        "MatMulNBits" or "SkipLayerNormalization" => 3,
        "Attention" or "BiasGelu" or "FusedConv" or "FusedGemm" or "FusedMatMul" or "SkipSimplifiedLayerNormalization" => 2,
        _ => 0,
    };
}
