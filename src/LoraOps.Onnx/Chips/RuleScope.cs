using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;

namespace LoraOps.Onnx.Chips;

/// <summary>What a rule may look at.</summary>
public sealed class RuleScope
{
    private const int MaxChain = 64;

    private readonly RuleEvidence _evidence;

    /// <param name="model">The finished model.</param>
    /// <param name="chip">The chip that it is for.</param>
    /// <param name="evidence">What else there is to look at; null for nothing.</param>
    public RuleScope(OnnxModel model, ChipProfile chip, RuleEvidence? evidence = null)
    {
        _evidence = evidence ?? RuleEvidence.None;
        Model = model;
        Chip = chip;
        HandOff = _evidence.HandOffFolder is { } folder ? new HandOffFiles(folder, new HandOffNames(_evidence.HandOffModel)) : null;
        Shapes = new ScopeShapes(model, Float);
        Index = new GraphIndex(model);
        Weighted = [.. Nodes("Conv", "ConvTranspose", "MatMul", "Gemm").Where(node => node.Input.Count > 1)];
    }

    /// <summary>The finished model.</summary>
    public OnnxModel Model { get; }

    /// <summary>The chip that it is for.</summary>
    public ChipProfile Chip { get; }

    /// <summary>The model as the runtime rewrote it; for rules that need it.</summary>
    public OnnxModel Optimized => _evidence.Optimized ?? throw new InvalidOperationException("The rule does not say that it needs the optimised model.");

    /// <summary>The hand-off files; null if there are none. Rules that say which they need find them.</summary>
    public HandOffFiles? HandOff { get; }

    /// <summary>The float model that the hand-off files belong to: the one that was given, else the one beside them, else null.</summary>
    public OnnxModel? Float => _evidence.Float ?? HandOff?.Float;

    /// <summary>The ranges that were calibrated; null if nobody gave them.</summary>
    public IReadOnlyDictionary<string, TensorRange>? Ranges => _evidence.Ranges;

    /// <summary>The shapes of the model's values, as far as anybody wrote them down.</summary>
    public ScopeShapes Shapes { get; }

    /// <summary>Who makes and takes the values of the model.</summary>
    public GraphIndex Index { get; }

    /// <summary>All convolutions and matrix products, those of two activations included.</summary>
    public IReadOnlyList<NodeProto> Weighted { get; }

    /// <summary>True if what a rule looks at is there.</summary>
    public bool Has(RuleSubject subject) => subject switch
    {
        RuleSubject.Model => true,
        RuleSubject.OptimizedModel => _evidence.Optimized is not null,
        _ => HandOff?.Has(subject) == true,
    };

    /// <summary>What is missing, for people.</summary>
    public static string Lacks(RuleSubject subject) => subject switch
    {
        RuleSubject.OptimizedModel => "no runtime has rewritten the model",
        RuleSubject.CalibrationCache => "no calibration cache lies in a hand-off folder",
        RuleSubject.AippConfig => "no AIPP configuration (aipp.cfg) lies in a hand-off folder",
        RuleSubject.BuildConfig => "no build configuration lies in a hand-off folder",
        RuleSubject.QuantConfig => "no quantization configuration lies in a hand-off folder",
        RuleSubject.Encodings => "no encodings lie in a hand-off folder",
        _ => "",
    };

    /// <summary>The nodes of these operators in the main graph.</summary>
    public IEnumerable<NodeProto> Nodes(params string[] ops) => Model.Graph.Node.Where(node => node.Is(ops));

    /// <summary>The DequantizeLinear that makes a value, or null.</summary>
    public NodeProto? Dequantizer(string value) => Index.Producer(value) is { OpType: "DequantizeLinear" } node ? node : null;

    /// <summary>The QuantizeLinear that reads a value, or null.</summary>
    public NodeProto? Quantizer(string value) => Index.Readers(value).FirstOrDefault(node => node.OpType == "QuantizeLinear");

    /// <summary>Every QuantizeLinear and DequantizeLinear, of the standard and of ONNX Runtime's own.</summary>
    public IEnumerable<NodeProto> QuantizationNodes => Model.Graph.Node.Where(node => node.OpType is "QuantizeLinear" or "DequantizeLinear");

    /// <summary>The numbers of a constant, or null if the value is none.</summary>
    public float[]? Numbers(string value) => Index.Constant(value) is { } tensor ? Model.Read(tensor).ToFloats() : null;

    /// <summary>The scales of a QuantizeLinear or DequantizeLinear; empty if they are no constant.</summary>
    public float[] ScalesOf(NodeProto node) => Numbers(node.InputAt(1)) ?? [];

    /// <summary>Layers of which both operands are quantized, with the nodes that dequantize them.</summary>
    public IEnumerable<(NodeProto Node, NodeProto Activation, NodeProto Weight)> QuantizedLayers => Weighted
        .Where(node => IsDequantizedActivation(node.Input[0]) && IsDequantizedConstant(node.Input[1]))
        .Select(node => (node, Dequantizer(node.Input[0])!, Dequantizer(node.Input[1])!));

    /// <summary>The node that computes a value, through pairs and what only moves it; null for an input.</summary>
    public NodeProto? Source(string value)
    {
        var node = Index.Producer(value);
        for (var depth = 0; depth < MaxChain && node is not null && IsTransparent(node); depth++)
            node = Index.Producer(node.Input[0]);

        return node;
    }

    /// <summary>The constant behind a dequantized value, stored as integers or as floats with a QuantizeLinear; else null.</summary>
    public TensorProto? Stored(NodeProto dequantizer) => Index.Constant(dequantizer.Input[0])
        ?? (Index.Producer(dequantizer.Input[0]) is { } node && node.OpType == "QuantizeLinear" ? Index.Constant(node.Input[0]) : null);

    /// <summary>True if a value is a dequantized activation.</summary>
    public bool IsDequantizedActivation(string value) => Dequantizer(value) is { } node && Stored(node) is null;

    /// <summary>True if a value is a dequantized constant.</summary>
    public bool IsDequantizedConstant(string value) => Dequantizer(value) is { } node && Stored(node) is not null;

    /// <summary>The weight of a node: the float one, or the constant behind its DequantizeLinear; null for an activation.</summary>
    public TensorProto? WeightOf(NodeProto node) => Index.Constant(node.Input[1])
        ?? (Dequantizer(node.Input[1]) is { } dequantizer ? Stored(dequantizer) : null);

    /// <summary>A node's name, or its output's if it has none.</summary>
    public static string NameOf(NodeProto node) => node.Name.Length > 0 ? node.Name : node.Output.FirstOrDefault() ?? node.OpType;

    private static bool IsTransparent(NodeProto node) => node.OpType is "QuantizeLinear" or "DequantizeLinear"
        || node.Is("Identity", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze");
}
