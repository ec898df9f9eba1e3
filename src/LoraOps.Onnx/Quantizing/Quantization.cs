using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;

namespace LoraOps.Onnx.Quantizing;

/// <summary>A quantized model and what was done to each of its weighted nodes.</summary>
/// <param name="Model">The model.</param>
/// <param name="Nodes">One entry per weighted node of the float model, in graph order.</param>
/// <param name="Warnings">What a person should know: layers that stay float and why, constants that were clamped.</param>
public sealed record Quantization(OnnxModel Model, IReadOnlyList<QuantizedNode> Nodes, IReadOnlyList<string> Warnings)
{
    /// <summary>Nodes without a weight whose values are quantized as well, in graph order.</summary>
    public IReadOnlyList<QuantizedNode> Operators { get; init; } = [];

    /// <summary>The chip's rules that the model breaks; none of them is an error.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];

    /// <summary>The chip's rules that were not checked, since what they look at is not there.</summary>
    public IReadOnlyList<UncheckedRule> NotChecked { get; init; } = [];
}

/// <summary>What became of one node that multiplies an activation with a constant weight.</summary>
/// <param name="Node">Its name.</param>
/// <param name="Op">Its operator.</param>
/// <param name="Weight">The weight's name in the float model.</param>
/// <param name="Reason">Why it stays float, or null if it was quantized.</param>
public sealed record QuantizedNode(string Node, string Op, string Weight, string? Reason)
{
    /// <summary>True if it was quantized.</summary>
    public bool IsQuantized => Reason is null;

    /// <summary>What it is computed in; for a node that stays float what it was meant for.</summary>
    public LayerPrecision Precision { get; init; }

    /// <summary>The tensor that it multiplies, by its name in the float model.</summary>
    public string Activation { get; init; } = "";

    /// <summary>The scale of its activation; 0 if it stays float.</summary>
    public float ActivationScale { get; init; }

    /// <summary>The zero point of its activation.</summary>
    public int ActivationZeroPoint { get; init; }

    /// <summary>The dimension of the weight that has one scale each, or −1 if one scale holds for all.</summary>
    public int WeightAxis { get; init; } = -1;

    /// <summary>The scales of its weight; empty if it stays float.</summary>
    public IReadOnlyList<float> WeightScales { get; init; } = [];
}
