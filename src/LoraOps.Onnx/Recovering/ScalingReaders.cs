using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Recovering;

/// <summary>Who reads a value, and how each takes back that its channels were divided.</summary>
/// <param name="Made">The value.</param>
/// <param name="Layers">Constant weights that are multiplied.</param>
/// <param name="Restored">Edges in front of which the value is multiplied again.</param>
internal sealed record ScalingReaders(MadeValue Made, IReadOnlyList<ScaledOperand> Layers, IReadOnlyList<Edge> Restored)
{
    /// <summary>Sorts the readers; null if one stands in the way or none is a layer.</summary>
    public static ScalingReaders? Of(GraphIndex index, MadeValue made, ChannelAxis axis, bool mayInsert)
    {
        var layers = new List<ScaledOperand>();
        var restored = new List<Edge>();
        foreach (var edge in index.Consumers(made.Node, made.Output))
        {
            if (edge.Node.Is("Shape", "Size"))
                continue;

            if (Operand(index, edge, axis) is { } operand)
                layers.Add(operand);
            else if (mayInsert || IsAdapter(index, edge, axis))
                restored.Add(edge);
            else
                return null;
        }

        return layers.Count > 0 && layers.All(layer => layer.Channels == layers[0].Channels)
            ? new ScalingReaders(made, layers, restored)
            : null;
    }

    private static ScaledOperand? Operand(GraphIndex index, Edge edge, ChannelAxis axis)
    {
        var node = edge.Node;
        if (edge.Input != 0 || Constants.Of(index, new Edge(node, 1)) is not { Dims.Count: > 1 } weight
            || weight.DataType != (int)TensorProto.Types.DataType.Float)
        {
            return null;
        }

        var at = new Edge(node, 1);
        if (axis == ChannelAxis.Second)
            return node.Is("Conv") ? new ScaledOperand(at, weight, 1, (int)node.Integer("group", 1)) : null;

        if (node.Is("MatMul"))
            return new ScaledOperand(at, weight, weight.Dims.Count - 2);

        return node.Is("Gemm") && node.Integer("transA", 0) == 0
            ? new ScaledOperand(at, weight, node.Integer("transB", 0) != 0 ? 1 : 0)
            : null;
    }

    private static bool IsAdapter(GraphIndex index, Edge edge, ChannelAxis axis) => edge.Input == 0
        && edge.Node.Is(axis == ChannelAxis.Second ? "Conv" : "MatMul") && Constants.IsOverridable(index, new Edge(edge.Node, 1));
}
