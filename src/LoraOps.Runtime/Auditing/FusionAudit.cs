using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Runtime.Preparing;
using LoraOps.Runtime.Sessions;
using DataType = LoraOps.Onnx.Proto.TensorProto.Types.DataType;

namespace LoraOps.Runtime.Auditing;

/// <summary>What ONNX Runtime's CPU kernels make of a model.</summary>
/// <param name="Integer">Nodes that compute with integers, by operator, in ordinal order.</param>
/// <param name="Quantize">QuantizeLinear nodes that are left.</param>
/// <param name="Dequantize">DequantizeLinear nodes that are left.</param>
/// <param name="FloatWeighted">Names of the Conv, MatMul and Gemm nodes that still multiply a constant float weight.</param>
/// <param name="Nodes">All nodes of the optimised graph.</param>
public sealed record FusionCounts(
    IReadOnlyDictionary<string, int> Integer, int Quantize, int Dequantize, IReadOnlyList<string> FloatWeighted, int Nodes)
{
    /// <summary>The number of integer kernels.</summary>
    public int IntegerNodes => Integer.Values.Sum();
}

/// <summary>
/// Looks at the graph that the runtime would really run. A quantized model whose nodes stay float is slower than the float
/// model.
/// </summary>
public static class FusionAudit
{
    private static readonly HashSet<string> IntegerOperators = new(StringComparer.Ordinal)
    {
        "ConvInteger", "MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM", "QGemm",
        "QAttention", "QMoE", "QOrderedMatMul", "MatMulNBits", "GatherBlockQuantized", "QEmbedLayerNormalization",
    };

    private static readonly HashSet<string> WeightedOperators = new(StringComparer.Ordinal)
    {
        "Conv", "ConvTranspose", "MatMul", "Gemm", "FusedConv", "FusedMatMul", "FusedGemm",
    };

    /// <summary>Optimises the model for the CPU, up to its fused kernels, and counts.</summary>
    /// <exception cref="LoraOpsException">The runtime refuses the model.</exception>
    public static FusionCounts Count(OnnxModel model) => CountOptimized(Optimized(model));

    /// <summary>Counts in a model that <see cref="Optimized"/> gave.</summary>
    public static FusionCounts CountOptimized(OnnxModel optimised)
    {
        var floats = optimised.Graph.Initializer.Where(tensor => tensor.DataType is (int)DataType.Float or (int)DataType.Float16)
            .Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        var nodes = optimised.AllNodes().ToList();
        var integer = new SortedDictionary<string, int>(nodes.Where(IsInteger)
            .GroupBy(node => node.OpType, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal), StringComparer.Ordinal);
        return new FusionCounts(
            integer,
            nodes.Count(node => node.OpType == "QuantizeLinear"),
            nodes.Count(node => node.OpType == "DequantizeLinear"),
            [.. nodes.Where(node => WeightedOperators.Contains(node.OpType) && node.Input.Skip(1).Take(1).Any(floats.Contains))
                .Select(node => node.Name)],
            nodes.Count);
    }

    /// <summary>The model as the runtime rewrites it for the CPU, its fused kernels included: what rules about kernels look at.</summary>
    /// <exception cref="LoraOpsException">The runtime refuses the model.</exception>
    public static OnnxModel Optimized(OnnxModel model) => RuntimeOptimizer.Optimize(model, GraphOptimization.Extended);

    private static bool IsInteger(NodeProto node) =>
        node.OpType.StartsWith("QLinear", StringComparison.Ordinal) || IntegerOperators.Contains(node.OpType);
}
