using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>The stored tensor behind a node's input, and what lies between.</summary>
/// <param name="Name">The name of the stored value.</param>
/// <param name="Tensor">The tensor.</param>
/// <param name="Chain">The nodes between, from the tensor on.</param>
/// <param name="IsFlipped">True if an odd number of them transposes.</param>
/// <param name="Codes">How to read the tensor if it holds codes, else null.</param>
internal sealed record WeightSource(string Name, TensorProto Tensor, IReadOnlyList<NodeProto> Chain, bool IsFlipped, QuantizedCodes? Codes)
{
    private const int LongestChain = 8;

    /// <summary>Follows Transpose, Identity, Cast and DequantizeLinear back to a stored tensor; null if the value is computed.</summary>
    public static WeightSource? Of(GraphIndex index, NodeProto node, int input)
    {
        if (node.InputAt(input).Length == 0)
            return null;

        var edge = new Edge(node, input);
        var chain = new List<NodeProto>();
        var isFlipped = false;
        QuantizedCodes? codes = null;
        while (index.Stored(edge) is null)
        {
            if (chain.Count == LongestChain || codes is not null || index.Producer(edge) is not { } step || !IsPassing(step) || step.InputAt(0).Length == 0)
                return null;

            if (step.OpType == "DequantizeLinear" && (codes = CodesOf(index, step)) is null)
                return null;

            isFlipped ^= step.OpType == "Transpose";
            chain.Insert(0, step);
            edge = new Edge(step, 0);
        }

        var tensor = index.Stored(edge)!;
        return TensorShape.TryCount([.. tensor.Dims], out _) ? new WeightSource(edge.Value, tensor, chain, isFlipped, codes) : null;
    }

    private static bool IsPassing(NodeProto step) => step.Is("Identity", "Cast", "DequantizeLinear")
        || (step.Is("Transpose") && step.Integers("perm") is [] or [1, 0]);

    private static QuantizedCodes? CodesOf(GraphIndex index, NodeProto step)
    {
        if (step.InputAt(1).Length == 0 || index.Stored(new Edge(step, 0)) is not { } tensor || index.Stored(new Edge(step, 1)) is not { } scale)
            return null;

        var zero = step.InputAt(2).Length > 0 ? index.Stored(new Edge(step, 2)) : null;
        var axis = step.Integer("axis", 1);
        var isKnown = OnnxTensor.TypeOf(tensor.DataType) is not null && (step.InputAt(2).Length == 0 || zero is not null);
        return isKnown ? new QuantizedCodes(scale, zero, (int)(axis < 0 ? axis + tensor.Dims.Count : axis), step.Integer("block_size", 0)) : null;
    }
}
