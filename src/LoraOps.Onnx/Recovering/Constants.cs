using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Recovering;

/// <summary>What an edge reads if it never changes.</summary>
internal static class Constants
{
    /// <summary>The elements, or null if they are computed or the caller's.</summary>
    public static TensorProto? Of(GraphIndex index, Edge edge) =>
        edge.Input < edge.Node.Input.Count && edge.Value.Length > 0 && index.Stored(edge) is { } tensor && !index.IsInput(tensor.Name) ? tensor : null;

    /// <summary>True for a factor of an adapter: an input that has a default, or what is cut or filled up from one.</summary>
    public static bool IsOverridable(GraphIndex index, Edge edge)
    {
        if (edge.Input >= edge.Node.Input.Count)
            return false;

        if (index.Stored(edge) is not null)
            return index.IsInput(edge.Value);

        return index.Producer(edge) is { } node && node.Is("Slice", "Pad", "Concat", "Transpose", "Reshape", "Cast")
            && node.Input.Count > 0 && IsOverridable(index, new Edge(node, 0));
    }
}
