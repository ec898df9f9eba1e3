using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Quantizing;

/// <summary>A node that multiplies an activation with a constant weight.</summary>
/// <param name="Node">The node; its inputs are activation, weight and perhaps bias.</param>
/// <param name="Weight">The weight, or null if it is not stored as it is used.</param>
/// <param name="OutputAxis">The weight's dimension of output channels.</param>
/// <param name="Reason">Why it must stay float, or null if it can be quantized.</param>
public sealed record WeightedNode(NodeProto Node, TensorProto? Weight, int OutputAxis, string? Reason)
{
    /// <summary>The name of the tensor that the weight is multiplied with.</summary>
    public string Activation => Node.Input[0];

    /// <summary>The name of the bias, or empty.</summary>
    public string Bias => Node.Input.Count > 2 ? Node.Input[2] : "";

    /// <summary>How many output channels the weight has; the groups of a transposed convolution share its axis.</summary>
    public long OutputChannels => Weight is null ? 0 : Weight.Dims[OutputAxis] * (Node.OpType == "ConvTranspose" ? Node.Integer("group", 1) : 1);

    /// <summary>The node's name, or its output's if it has none.</summary>
    public string Name => RuleScope.NameOf(Node);
}
