using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;

namespace LoraOps.Onnx.Quantizing;

/// <summary>What will be quantized: nodes, the tensors that they read, and outputs.</summary>
internal sealed class QuantizationPlan
{
    private const long OldestOpset = 13;

    private readonly OnnxModel _model;
    private readonly GraphIndex _index;
    private readonly ChipProfile _chip;
    private readonly QuantizationSettings _settings;

    // What computes with a tensor, or makes it, at its widest; tensors that are only moved are one with what they were moved from.
    private readonly Dictionary<string, LayerPrecision> _widest = new(StringComparer.Ordinal);

    // Both are settled before anything is rewired.
    private readonly Dictionary<string, string> _sources = new(StringComparer.Ordinal);
    private readonly Dictionary<NodeProto, LayerPrecision> _precisions = new(ReferenceEqualityComparer.Instance);

    private QuantizationPlan(OnnxModel model, ChipProfile chip, QuantizationSettings settings)
    {
        _model = model;
        _index = new GraphIndex(model);
        _chip = chip;
        _settings = settings;
        FindSources();
        Nodes = [.. WeightedNodes.Find(model, _index, chip).Select(Lifted)];
        foreach (var node in Quantizable)
        {
            Widen(node.Activation, PrecisionOf(node.Node));
            if (chip.OutputOps.Contains(node.Node.OpType))
                Widen(OutputOf(node).Value, PrecisionOf(node.Node));
        }

        Operators = chip.QuantizedOps.Count == 0 ? [] : FindOperators();
        var outer = model.Graph.Node.ToHashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        Inner = [.. model.AllNodes().Where(node => node.Is([.. chip.WeightedOps]) && !outer.Contains(node)).Select(node => node.Name)];
        Outputs =
        [
            .. Quantizable.Where(node => chip.OutputOps.Contains(node.Node.OpType)).Select(OutputOf),
            .. Operators.SelectMany(one => one.Outputs.Select(value => new QuantizedOutput(one.Node, null, value))),
        ];
    }

    /// <summary>Every weighted node of the main graph.</summary>
    public IReadOnlyList<WeightedNode> Nodes { get; }

    /// <summary>Those that are quantized.</summary>
    public IEnumerable<WeightedNode> Quantizable => Nodes.Where(node => node.Reason is null);

    /// <summary>Further nodes whose values are quantized, since the chip has integer units for them too.</summary>
    public IReadOnlyList<QuantizedOperator> Operators { get; }

    /// <summary>The outputs that are quantized.</summary>
    public IReadOnlyList<QuantizedOutput> Outputs { get; }

    /// <summary>Names of nodes inside subgraphs and functions that would be quantized in the main graph.</summary>
    public IReadOnlyList<string> Inner { get; }

    /// <summary>The tensors whose ranges are needed, in graph order.</summary>
    public IReadOnlyList<string> Tensors => [.. Quantizable
        .SelectMany(node => Outputs
            .Where(output => ReferenceEquals(output.Producer, node.Node))
            .Select(output => output.Value)
            .Prepend(node.Activation))
        .Concat(Operators.SelectMany(one => one.Inputs.Concat(one.Outputs)))
        .Select(RangeOf)
        .Where(value => FixedRangeOf(value) is null)
        .Distinct(StringComparer.Ordinal)];

    /// <summary>The names of the nodes that compute with quantized values, in graph order; what only moves them follows.</summary>
    public IReadOnlyList<string> NodeNames
    {
        get
        {
            var quantized = Quantizable.Select(node => node.Node).Concat(Operators.Select(one => one.Node).Where(node => !Moves(node)))
                .ToHashSet<NodeProto>(ReferenceEqualityComparer.Instance);
            return [.. _model.Graph.Node.Where(quantized.Contains).Select(RuleScope.NameOf)];
        }
    }

    /// <summary>What a node is computed in.</summary>
    public LayerPrecision PrecisionOf(NodeProto node)
    {
        if (!_precisions.TryGetValue(node, out var precision))
        {
            precision = Moves(node) ? _widest.GetValueOrDefault(RangeOf(node.Input[0]))
                : _settings.Precisions.TryGetValue(RuleScope.NameOf(node), out var wanted) ? wanted : _chip.Precisions[0];
            _precisions[node] = precision;
        }

        return precision;
    }

    /// <summary>What the readers and the maker of a quantized output want at most: the others narrow it for themselves.</summary>
    public LayerPrecision PrecisionOf(QuantizedOutput output) => _widest.GetValueOrDefault(RangeOf(output.Value));

    /// <summary>The range that the maker of a tensor fixes, or null.</summary>
    public FixedRange? FixedRangeOf(string value) =>
        _index.Producer(value) is { } node && node.Domain.Length == 0 && _chip.FixedRanges.TryGetValue(node.OpType, out var range) ? range : null;

    /// <summary>The constant of that name, or null.</summary>
    public TensorProto? ConstantOf(string value) => _index.Constant(value);

    /// <summary>The node that makes a value; null for an input.</summary>
    public NodeProto? ProducerOf(string value) => _index.Producer(value);

    /// <summary>The bias of a node, or null.</summary>
    public TensorProto? BiasOf(WeightedNode node) => _index.Constant(node.Bias);

    /// <summary>Looks at a model without changing it.</summary>
    /// <exception cref="LoraOpsException">Its opset is too old, it is quantized already, or nothing can be quantized.</exception>
    public static QuantizationPlan Make(OnnxModel model, ChipProfile chip, QuantizationSettings? settings = null)
    {
        CheckInput(model);
        var plan = new QuantizationPlan(model, chip, settings ?? new QuantizationSettings());
        return plan.Quantizable.Any() || plan.Nodes.Any(plan.IsLifted)
            ? plan
            : throw new LoraOpsException(QuantizingProblems.NothingToQuantize(
                model.Path, chip.Name, [.. plan.Nodes.Select(node => $"{node.Name}: {node.Reason}")]));
    }

    /// <summary>Refuses what no scheme can quantize.</summary>
    /// <exception cref="LoraOpsException">The opset is too old, or the model is quantized already.</exception>
    public static void CheckInput(OnnxModel model)
    {
        if (model.Opset() < OldestOpset)
            throw new LoraOpsException(QuantizingProblems.OpsetTooOld(model.Path, model.Opset()));

        if (model.AllNodes().FirstOrDefault(IsQuantization) is { } quantized)
            throw new LoraOpsException(QuantizingProblems.AlreadyQuantized(model.Path, quantized.OpType));
    }

    /// <summary>The tensor whose range a tensor has: what only moves values keeps it.</summary>
    public string RangeOf(string value) => _sources.GetValueOrDefault(value, value);

    private void FindSources()
    {
        foreach (var node in _model.Graph.Node.Where(node => Moves(node) && _index.Constant(node.Input[0]) is null))
        {
            foreach (var output in node.Output)
                _sources[output] = RangeOf(node.Input[0]);
        }
    }

    private bool IsLifted(WeightedNode node) => PrecisionOf(node.Node) is LayerPrecision.Half or LayerPrecision.Float;

    private WeightedNode Lifted(WeightedNode node) => node.Reason is null && IsLifted(node)
        ? node with { Reason = PrecisionOf(node.Node) == LayerPrecision.Half ? "it was lifted to fp16" : "it was lifted to float" }
        : node;

    private bool Moves(NodeProto node) => node.Is([.. _chip.SameScaleOps]) && node.Input.Count > 0;

    // What only moves values is quantized with those that compute with them.
    private List<QuantizedOperator> FindOperators()
    {
        var types = new ValueTypes(_model);
        var weighted = Nodes.Select(node => node.Node).ToHashSet<NodeProto>(ReferenceEqualityComparer.Instance);
        var all = _model.Graph.Node
            .Where(node => node.Is([.. _chip.QuantizedOps]) && !weighted.Contains(node))
            .Select(node => Operator(node, types))
            .Where(one => one.Inputs.Count > 0)
            .ToList();
        foreach (var one in all.Where(one => !Moves(one.Node) && IsQuantized(one.Node)))
        {
            foreach (var value in one.Inputs.Concat(one.Outputs))
                Widen(value, PrecisionOf(one.Node));
        }

        return [.. all.Where(one => Moves(one.Node) ? _widest.ContainsKey(RangeOf(one.Node.Input[0])) : IsQuantized(one.Node))
            .Select(one => one with { Precision = PrecisionOf(one.Node) })];
    }

    // Indices, shapes and conditions among the inputs are no floats.
    private QuantizedOperator Operator(NodeProto node, ValueTypes types) => new(
        node,
        [.. node.Input.Where(value => types.IsFloat(value) && _index.Constant(value) is null)],
        [.. node.Input.Where(value => types.IsFloat(value) && _index.Constant(value) is not null)],
        [.. node.Output.Where(types.IsFloat)]);

    private bool IsQuantized(NodeProto node) => PrecisionOf(node) is LayerPrecision.Int8 or LayerPrecision.Int16;

    private void Widen(string value, LayerPrecision precision)
    {
        var source = RangeOf(value);
        if (!_widest.TryGetValue(source, out var known) || known < precision)
            _widest[source] = precision;
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

/// <summary>A node without a weight whose values are quantized.</summary>
/// <param name="Node">The node.</param>
/// <param name="Inputs">The float values that it reads.</param>
/// <param name="Constants">The float constants that it reads.</param>
/// <param name="Outputs">The float values that it makes.</param>
internal sealed record QuantizedOperator(
    NodeProto Node, IReadOnlyList<string> Inputs, IReadOnlyList<string> Constants, IReadOnlyList<string> Outputs)
{
    /// <summary>What it is computed in.</summary>
    public LayerPrecision Precision { get; init; }
}

/// <summary>An output that is quantized.</summary>
/// <param name="Producer">The node that makes it.</param>
/// <param name="Removed">The activation behind it that becomes needless, or null.</param>
/// <param name="Value">The name that the rest of the graph knows the value by.</param>
internal sealed record QuantizedOutput(NodeProto Producer, NodeProto? Removed, string Value);
