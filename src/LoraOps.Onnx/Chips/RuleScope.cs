using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Chips;

/// <summary>What a rule may look at.</summary>
public sealed class RuleScope
{
    /// <param name="model">The finished model.</param>
    /// <param name="chip">The chip that it is for.</param>
    /// <param name="optimized">The same model as the runtime rewrote it, where there is one.</param>
    public RuleScope(OnnxModel model, ChipProfile chip, OnnxModel? optimized = null)
    {
        Model = model;
        Chip = chip;
        Optimized = optimized;
        Index = new GraphIndex(model);
        Weighted = [.. Nodes("Conv", "ConvTranspose", "MatMul", "Gemm").Where(node => node.Input.Count > 1)];
    }

    /// <summary>The finished model.</summary>
    public OnnxModel Model { get; }

    /// <summary>The chip that it is for.</summary>
    public ChipProfile Chip { get; }

    /// <summary>The model as the runtime rewrote it; null if no runtime has.</summary>
    public OnnxModel? Optimized { get; }

    /// <summary>Who makes and takes the values of the model.</summary>
    public GraphIndex Index { get; }

    /// <summary>All convolutions and matrix products, those of two activations included.</summary>
    public IReadOnlyList<NodeProto> Weighted { get; }

    /// <summary>The nodes of these operators in the main graph.</summary>
    public IEnumerable<NodeProto> Nodes(params string[] ops) => Model.Graph.Node.Where(node => node.Is(ops));

    /// <summary>The DequantizeLinear that makes a value, or null.</summary>
    public NodeProto? Dequantizer(string value) => Index.Producer(value) is { } node && node.Is("DequantizeLinear") ? node : null;

    /// <summary>The constant behind a dequantized value, stored as integers or as floats with a QuantizeLinear; else null.</summary>
    public TensorProto? Stored(NodeProto dequantizer) => Index.Constant(dequantizer.Input[0])
        ?? (Index.Producer(dequantizer.Input[0]) is { } node && node.Is("QuantizeLinear") ? Index.Constant(node.Input[0]) : null);

    /// <summary>True if a value is a dequantized activation.</summary>
    public bool IsDequantizedActivation(string value) => Dequantizer(value) is { } node && Stored(node) is null;

    /// <summary>True if a value is a dequantized constant.</summary>
    public bool IsDequantizedConstant(string value) => Dequantizer(value) is { } node && Stored(node) is not null;

    /// <summary>The weight of a node: the float one, or the constant behind its DequantizeLinear; null for an activation.</summary>
    public TensorProto? WeightOf(NodeProto node) => Index.Constant(node.Input[1])
        ?? (Dequantizer(node.Input[1]) is { } dequantizer ? Stored(dequantizer) : null);

    /// <summary>A node's name, or its output's if it has none.</summary>
    public static string NameOf(NodeProto node) => node.Name.Length > 0 ? node.Name : node.Output.FirstOrDefault() ?? node.OpType;
}
