using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using DataType = LoraOps.Onnx.Proto.TensorProto.Types.DataType;

namespace LoraOps.Runtime.Auditing;

/// <summary>A layer that multiplies a constant weight in floating point.</summary>
/// <param name="Node">The node, as the runtime calls it.</param>
/// <param name="Op">Its operator in the file; empty if the runtime made it.</param>
/// <param name="Why">Why no integer kernel runs it: a sentence without its full stop.</param>
public sealed record FloatLayer(string Node, string Op, string Why)
{
    /// <summary>The layers that the audit found in float, each with what in the file keeps it there.</summary>
    /// <param name="model">The model that was counted.</param>
    /// <param name="counts">What the runtime made of it.</param>
    public static IReadOnlyList<FloatLayer> Of(OnnxModel model, FusionCounts counts)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(counts);
        var index = new GraphIndex(model);
        var nodes = model.Graph.Node.Where(node => node.Name.Length > 0)
            .GroupBy(node => node.Name, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
        return [.. counts.FloatWeighted.Select(name => nodes.TryGetValue(name, out var node)
            ? new FloatLayer(name, node.OpType, Reason(index, node))
            : new FloatLayer(name, "", "the runtime made it from nodes that compute in float"))];
    }

    private static string Reason(GraphIndex index, NodeProto node)
    {
        if (node.Input.Count < 2)
            return "it has no weight of its own";

        if (!IsDequantized(index, node.Input[1]))
            return $"its weight is {Stored(index, node.Input[1])} in the file";

        if (!IsDequantized(index, node.Input[0]))
            return "its weight is quantized, its input is not: the weight is turned back to float";

        return index.Readers(node.Output[0]).Any(next => next.OpType == "QuantizeLinear")
            ? "weight, input and output are quantized, but the runtime has no integer kernel for it in this form"
            : "weight and input are quantized, its output is not: the runtime has no integer kernel without that";
    }

    private static bool IsDequantized(GraphIndex index, string value) => index.Producer(value)?.OpType == "DequantizeLinear";

    private static string Stored(GraphIndex index, string value) => index.Constant(value) switch
    {
        { DataType: (int)DataType.Float16 } => "fp16",
        { DataType: (int)DataType.Float } => "float",
        null => "computed",
        _ => "of another type",
    };
}
