using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Quantizing;

/// <summary>
/// The element types of the values of a model's main graph: what the model says of them, and where it is silent what its operators make of
/// their inputs.
/// </summary>
internal sealed class ValueTypes
{
    private static readonly HashSet<string> Integers = ["Shape", "Size", "ArgMax", "ArgMin", "NonZero"];

    private static readonly HashSet<string> Truths =
    [
        "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Not", "And", "Or", "Xor", "IsNaN", "IsInf",
    ];

    // Their further outputs are indices or masks.
    private static readonly HashSet<string> FirstOnly = ["TopK", "MaxPool", "Dropout", "Unique"];

    private readonly Dictionary<string, DataType> _types = new(StringComparer.Ordinal);

    public ValueTypes(OnnxModel model)
    {
        foreach (var value in model.Graph.Input.Concat(model.Graph.ValueInfo).Concat(model.Graph.Output))
            Know(value.Name, (DataType)(value.Type?.TensorType?.ElemType ?? 0));

        foreach (var tensor in model.Graph.Initializer)
            Know(tensor.Name, (DataType)tensor.DataType);

        foreach (var node in model.Graph.Node)
            Infer(node);
    }

    /// <summary>True if a value is known to hold single floats.</summary>
    public bool IsFloat(string value) => _types.GetValueOrDefault(value) == DataType.Float;

    private void Know(string value, DataType type)
    {
        if (type != DataType.Undefined && value.Length > 0)
            _types.TryAdd(value, type);
    }

    private void Infer(NodeProto node)
    {
        var type = TypeOf(node);
        foreach (var output in FirstOnly.Contains(node.OpType) ? node.Output.Take(1) : node.Output)
            Know(output, type);
    }

    private DataType TypeOf(NodeProto node) => node.OpType switch
    {
        _ when Integers.Contains(node.OpType) => DataType.Int64,
        _ when Truths.Contains(node.OpType) => DataType.Bool,
        "Cast" => (DataType)node.Integer("to", 0),
        "Constant" or "ConstantOfShape" => node.Attribute.FirstOrDefault(attribute => attribute.T is not null) is { } held
            ? (DataType)held.T.DataType
            : DataType.Float,
        "Where" => _types.GetValueOrDefault(node.InputAt(1)),
        "OneHot" => _types.GetValueOrDefault(node.InputAt(2)),

        // What a subgraph gives is not looked into.
        "If" or "Loop" or "Scan" => DataType.Undefined,
        _ => _types.GetValueOrDefault(node.InputAt(0)),
    };
}
