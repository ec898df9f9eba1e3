using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.HandOff;

/// <summary>The values of a model that a compiler with implicit quantization wants ranges for: every float one that is computed or fed.</summary>
public static class ActivationTensors
{
    private static readonly HashSet<string> Counting = ["Shape", "Size", "NonZero", "ArgMax", "ArgMin", "StringNormalizer", "Unique"];

    private static readonly HashSet<string> Judging =
        ["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf"];

    /// <summary>Names of the inputs and of the outputs of the main graph's nodes whose elements are float32, in graph order.</summary>
    /// <param name="model">A float model whose constants are folded.</param>
    public static IReadOnlyList<string> Of(OnnxModel model)
    {
        var types = KnownTypes(model);
        var stored = model.Graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        var names = model.Graph.Input.Select(input => input.Name).Where(name => !stored.Contains(name)).ToList();
        foreach (var node in model.Graph.Node)
        {
            for (var i = 0; i < node.Output.Count; i++)
            {
                if (node.Output[i].Length == 0)
                    continue;

                types.TryAdd(node.Output[i], TypeOf(node, i, types));
                if (!node.Is("Constant"))
                    names.Add(node.Output[i]);
            }
        }

        return [.. names.Where(name => types.GetValueOrDefault(name) == DataType.Float)];
    }

    private static Dictionary<string, DataType> KnownTypes(OnnxModel model)
    {
        var types = new Dictionary<string, DataType>(StringComparer.Ordinal);
        foreach (var tensor in model.Graph.Initializer)
            types[tensor.Name] = (DataType)tensor.DataType;

        foreach (var info in model.Graph.Input.Concat(model.Graph.ValueInfo).Concat(model.Graph.Output))
        {
            if (info.Type?.TensorType is { } tensor)
                types[info.Name] = (DataType)tensor.ElemType;
        }

        return types;
    }

    // For what no tool wrote down. A type that is not known is none, so that nothing is asked of a value that has no range.
    private static DataType TypeOf(NodeProto node, int output, Dictionary<string, DataType> types)
    {
        if (Counting.Contains(node.OpType) || (output > 0 && node.Is("TopK", "MaxPool")))
            return DataType.Int64;

        if (Judging.Contains(node.OpType) || (output > 0 && node.Is("Dropout")))
            return DataType.Bool;

        return node.OpType switch
        {
            "Cast" => (DataType)node.Integer("to", 0),
            "Constant" or "ConstantOfShape" => (DataType)(Value(node)?.DataType ?? (int)DataType.Float),
            "If" or "Loop" or "Scan" or "SequenceAt" => DataType.Undefined,
            "Where" => types.GetValueOrDefault(node.InputAt(1)),
            "OneHot" => types.GetValueOrDefault(node.InputAt(2)),
            _ => types.GetValueOrDefault(node.InputAt(0)),
        };
    }

    private static TensorProto? Value(NodeProto node) => node.Attribute.FirstOrDefault(attribute => attribute.Name == "value")?.T;
}
