using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>One node that multiplies with, convolves with or looks up in a stored weight.</summary>
public sealed record WeightUse
{
    /// <summary>The MatMul, Gemm, Conv or Gather, and which of its inputs the weight is.</summary>
    public required Edge Edge { get; init; }

    /// <summary>The name of the stored value.</summary>
    public required string Name { get; init; }

    /// <summary>The stored tensor.</summary>
    public required TensorProto Tensor { get; init; }

    /// <summary>The Transpose, Identity, Cast and DequantizeLinear nodes between the stored tensor and the node, in that order.</summary>
    public required IReadOnlyList<NodeProto> Chain { get; init; }

    /// <summary>How to read the tensor if it holds a quantized weight's codes; null if it holds the numbers.</summary>
    public QuantizedCodes? Codes { get; init; }

    /// <summary>What the node computes.</summary>
    public required LayerKind Layer { get; init; }

    /// <summary>The weight's shape in PyTorch's layout: [out, in], [vocabulary, dim] or [out, in / groups, kernel…].</summary>
    public required TensorShape Shape { get; init; }

    /// <summary>True if the stored tensor is the transpose of PyTorch's layout.</summary>
    public bool IsTransposed { get; init; }

    /// <summary>What the node multiplies the weight with: Gemm's alpha, else 1.</summary>
    public float Alpha { get; init; } = 1;

    /// <summary>A convolution's groups, else 1.</summary>
    public long Groups { get; init; } = 1;

    /// <summary>The shape of a weight of one group that can do what this one does, and more: [out, in, kernel…]; else the weight's own.</summary>
    public TensorShape WholeShape => Whole(Shape, Groups);

    /// <summary>Where the layer's bias is read, or null if it has none that is stored.</summary>
    public Edge? Bias { get; init; }

    /// <summary>True if the node goes on computing behind the product (an activation, attention): no value of the graph is the layer's output.</summary>
    public bool IsFused { get; init; }

    /// <summary>The node.</summary>
    public NodeProto Node => Edge.Node;

    /// <summary>The shape of a weight of one group in the place of one of several.</summary>
    /// <param name="shape">[out, in / groups, kernel…]</param>
    /// <param name="groups">The groups.</param>
    public static TensorShape Whole(TensorShape shape, long groups) =>
        groups == 1 ? shape : new TensorShape([shape[0], checked(shape[1] * groups), .. shape.Dims[2..]]);

    /// <summary>The module that torch.export recorded on the node, or null.</summary>
    public string? MetadataModule { get; init; }

    /// <summary>The module in the node's name, or null.</summary>
    public string? PathModule { get; init; }

    /// <summary>The best name that people know this layer by.</summary>
    public string ModuleGuess => MetadataModule ?? PathModule
        ?? (Name.EndsWith(".weight", StringComparison.Ordinal) ? Name[..^".weight".Length] : Name);
}
