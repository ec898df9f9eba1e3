using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;

namespace LoraOps.Onnx.Quantizing;

/// <summary>What will be quantized: nodes, the tensors that they read, and outputs.</summary>
internal sealed class QuantizationPlan
{
    private const long OldestOpset = 13;
    private const int MaxChain = 64;

    private readonly OnnxModel _model;
    private readonly GraphIndex _index;
    private readonly ChipProfile _chip;

    private QuantizationPlan(OnnxModel model, ChipProfile chip)
    {
        _model = model;
        _index = new GraphIndex(model);
        _chip = chip;
        Nodes = WeightedNodes.Find(model, _index, chip);
        var outer = model.Graph.Node.ToHashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        Inner = [.. model.AllNodes().Where(node => node.Is([.. chip.WeightedOps]) && !outer.Contains(node)).Select(node => node.Name)];
        Outputs = [.. Quantizable.Where(node => chip.OutputOps.Contains(node.Node.OpType)).Select(OutputOf)];
    }

    /// <summary>Every weighted node of the main graph.</summary>
    public IReadOnlyList<WeightedNode> Nodes { get; }

    /// <summary>Those that are quantized.</summary>
    public IEnumerable<WeightedNode> Quantizable => Nodes.Where(node => node.Reason is null);

    /// <summary>The outputs that are quantized.</summary>
    public IReadOnlyList<QuantizedOutput> Outputs { get; }

    /// <summary>Names of nodes inside subgraphs and functions that would be quantized in the main graph.</summary>
    public IReadOnlyList<string> Inner { get; }

    /// <summary>The tensors whose ranges are needed, in graph order.</summary>
    public IReadOnlyList<string> Tensors => [.. Quantizable
        .SelectMany(node => Outputs
            .Where(output => ReferenceEquals(output.Producer, node.Node))
            .Select(output => output.Value)
            .Prepend(RangeOf(node.Activation)))
        .Distinct(StringComparer.Ordinal)];

    /// <summary>The node that makes a value; null for an input.</summary>
    public NodeProto? ProducerOf(string value) => _index.Producer(value);

    /// <summary>The bias of a node, or null.</summary>
    public TensorProto? BiasOf(WeightedNode node) => _index.Constant(node.Bias);

    /// <summary>Looks at a model without changing it.</summary>
    /// <exception cref="LoraOpsException">Its opset is too old, it is quantized already, or nothing can be quantized.</exception>
    public static QuantizationPlan Make(OnnxModel model, ChipProfile chip)
    {
        if (model.Opset() < OldestOpset)
            throw new LoraOpsException(QuantizingProblems.OpsetTooOld(model.Path, model.Opset()));

        if (model.AllNodes().FirstOrDefault(IsQuantization) is { } quantized)
            throw new LoraOpsException(QuantizingProblems.AlreadyQuantized(model.Path, quantized.OpType));

        var plan = new QuantizationPlan(model, chip);
        return plan.Quantizable.Any()
            ? plan
            : throw new LoraOpsException(QuantizingProblems.NothingToQuantize(
                model.Path, chip.Name, [.. plan.Nodes.Select(node => $"{node.Name}: {node.Reason}")]));
    }

    /// <summary>The tensor whose range a tensor has: what only moves values keeps it.</summary>
    public string RangeOf(string value)
    {
        for (var depth = 0; depth < MaxChain; depth++)
        {
            if (_index.Producer(value) is not { } node || !node.Is([.. _chip.SameScaleOps]) || node.Input.Count == 0
                || _index.Constant(node.Input[0]) is not null)
            {
                break;
            }

            value = node.Input[0];
        }

        return value;
    }

    // A Relu behind the quantized output is what the output's own clipping at code 0 does.
    private QuantizedOutput OutputOf(WeightedNode node)
    {
        var value = node.Node.Output[0];
        if (_index.IsOutput(value) || _index.IsUsedInside(value) || _index.Readers(value) is not [var only] || !IsRemovable(only))
            return new QuantizedOutput(node.Node, null, value);

        return new QuantizedOutput(node.Node, only, only.Output[0]);
    }

    private bool IsRemovable(NodeProto node) => node.Is([.. _chip.RemovableActivations])
        && (node.OpType != "Clip" || ClipsAtZero(node));

    private bool ClipsAtZero(NodeProto node) => node.InputAt(2) is var max && (max.Length == 0 || _index.Constant(max) is not null)
        && _index.Constant(node.InputAt(1)) is { } min && min.DataType == (int)TensorProto.Types.DataType.Float
        && _model.Read(min).ToFloats() is [0];

    private static bool IsQuantization(NodeProto node) => node.OpType is "QuantizeLinear" or "DequantizeLinear" or "QLinearConv"
        or "QLinearMatMul" or "MatMulInteger" or "ConvInteger" or "DynamicQuantizeLinear" or "MatMulNBits";
}

/// <summary>A weighted node's output that is quantized.</summary>
/// <param name="Producer">The weighted node.</param>
/// <param name="Removed">The activation behind it that becomes needless, or null.</param>
/// <param name="Value">The name that the rest of the graph knows the value by.</param>
internal sealed record QuantizedOutput(NodeProto Producer, NodeProto? Removed, string Value);
