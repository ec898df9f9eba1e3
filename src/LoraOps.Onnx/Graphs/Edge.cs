using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Graphs;

/// <summary>One place where a node reads a value.</summary>
/// <param name="Node">The reader.</param>
/// <param name="Input">The index among its inputs.</param>
public readonly record struct Edge(NodeProto Node, int Input)
{
    /// <summary>The value that is read.</summary>
    public string Value => Node.Input[Input];

    /// <summary>True if both are the same input of the same node.</summary>
    public bool IsSame(Edge other) => ReferenceEquals(Node, other.Node) && Input == other.Input;
}
