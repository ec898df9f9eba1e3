using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Branches;

/// <summary>
/// Follows the batch axis from the model's inputs, whose first axis counts the samples, through the graph. What it does not know it says:
/// an adapter of one sample must never reach another's.
/// </summary>
internal sealed class BatchTrace
{
    private readonly Dictionary<string, BatchLayout> _layouts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BatchLayout> _declared = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<Size>> _sizes = new(StringComparer.Ordinal);
    private readonly OnnxModel _model;

    /// <summary>Follows every value of a model.</summary>
    public BatchTrace(OnnxModel model)
    {
        _model = model;
        foreach (var tensor in model.Graph.AllGraphs().SelectMany(graph => graph.Initializer))
        {
            Store(tensor.Name, tensor);
            _layouts.TryAdd(tensor.Name, BatchLayout.Shared(tensor.Dims.Count));
        }

        var inputs = BatchInput.All(model.Graph.Input.Where(input => !_layouts.ContainsKey(input.Name)));
        foreach (var input in inputs)
            _layouts[input.Name] = input.Layout;

        Leader = inputs.FirstOrDefault(input => input.Layout.IsSampled);
        foreach (var graph in model.Graph.AllGraphs())
            Declare(graph);

        Follow(model.Graph);
    }

    /// <summary>The input whose samples are counted; null if no input has any.</summary>
    public BatchInput? Leader { get; }

    /// <summary>The dimension that counts the samples; null if no input has one.</summary>
    public TensorShapeProto.Types.Dimension? Batch => Leader?.Samples;

    /// <summary>The number of samples that one run takes, or null if it is free.</summary>
    public long? FixedBatch => Batch is { DimValue: > 0 and var size } ? size : null;

    /// <summary>What is known of a value.</summary>
    public BatchLayout this[string value] => value.Length == 0 ? BatchLayout.Shared(0) : _layouts.GetValueOrDefault(value);

    /// <summary>The numbers of a vector of sizes, as far as they are known; null if the value is none.</summary>
    public IReadOnlyList<Size>? Sizes(string value) => _sizes.GetValueOrDefault(value);

    /// <summary>True if a number is the number of samples.</summary>
    public bool IsBatch(Size size) => size.Value is null
        ? size.Number is not null && size.Number == FixedBatch
        : this[size.Value] is { IsSampled: true } layout && layout.Axis == size.Axis && !(layout.IsFlat && size.Axis == 0);

    // Exporters that infer shapes leave the batch's symbol on the values.
    private void Declare(GraphProto graph)
    {
        foreach (var info in graph.ValueInfo.Concat(graph.Output))
        {
            if (Batch is not { DimParam.Length: > 0 } batch || info.Type?.TensorType?.Shape is not { } shape)
                continue;

            var axes = shape.Dim.Index().Where(pair => pair.Item.DimParam == batch.DimParam).Select(pair => pair.Index).ToList();
            if (axes is [var axis])
                _declared[info.Name] = new BatchLayout(shape.Dim.Count, axis);
        }
    }

    private void Follow(GraphProto graph)
    {
        foreach (var node in graph.Node)
        {
            foreach (var inner in GraphWalk.Subgraphs(node))
                Follow(inner);

            if (node.OpType == "Constant" && node.Attribute.FirstOrDefault(attribute => attribute.Name == "value")?.T is { } tensor)
                Store(node.Output[0], tensor);
            else if (SizeVector.Of(this, node) is { } sizes)
                _sizes[node.Output[0]] = sizes;

            var layout = BatchRules.Apply(this, node);
            foreach (var (at, output) in node.Output.Index().Where(output => output.Item.Length > 0))
                Know(output, node.OpType == "If" ? Joined(node, at) : layout);
        }
    }

    // Two branches may call two values by one name: then nothing is known of it.
    private void Know(string output, BatchLayout layout)
    {
        layout = layout.IsShared ? layout : _declared.GetValueOrDefault(output, layout);
        _layouts[output] = !_layouts.TryGetValue(output, out var other) || other == layout ? layout : BatchLayout.Unknown;
    }

    // What both branches agree on; not that it is shared, because the condition may depend on the samples.
    private BatchLayout Joined(NodeProto node, int at)
    {
        var layouts = GraphWalk.Subgraphs(node).Select(graph => at < graph.Output.Count ? this[graph.Output[at].Name] : default).Distinct().ToList();
        return layouts is [{ IsSampled: true } one] ? one : BatchLayout.Unknown;
    }

    private void Store(string name, TensorProto tensor)
    {
        if (SizeVector.Stored(_model, tensor) is { } sizes)
            _sizes[name] = sizes;
    }
}
