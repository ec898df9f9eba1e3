using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Quantizing;

/// <summary>What a model says of the element types of its main graph's values.</summary>
internal sealed class ValueTypes
{
    private const int FloatType = (int)TensorProto.Types.DataType.Float;
    private readonly Dictionary<string, int> _types = new(StringComparer.Ordinal);

    public ValueTypes(OnnxModel model)
    {
        foreach (var value in model.Graph.Input.Concat(model.Graph.ValueInfo).Concat(model.Graph.Output))
            _types[value.Name] = value.Type?.TensorType?.ElemType ?? 0;

        foreach (var tensor in model.Graph.Initializer)
            _types[tensor.Name] = tensor.DataType;
    }

    /// <summary>True if a value is known to hold single floats.</summary>
    public bool IsFloat(string value) => _types.GetValueOrDefault(value) == FloatType;
}
