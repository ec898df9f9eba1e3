using System.Globalization;
using System.Runtime.InteropServices;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Branches;

/// <summary>Adds constants to a model's main graph, small ones once.</summary>
internal sealed class ModelConstants(OnnxModel model, NameSet names)
{
    private readonly Dictionary<string, string> _known = new(StringComparer.Ordinal);

    /// <summary>A vector of int64.</summary>
    public string Integers(params long[] values) => Once(
        "/loraops/int64/" + string.Join('_', values.Select(value => value.ToString(CultureInfo.InvariantCulture))),
        name => OnnxTensor.Create(name, DataType.Int64, [values.Length], MemoryMarshal.AsBytes(values.AsSpan())));

    /// <summary>One int64 without dimensions.</summary>
    public string Integer(long value) => Once(
        string.Create(CultureInfo.InvariantCulture, $"/loraops/scalar/{value}"),
        name => OnnxTensor.Create(name, DataType.Int64, [], BitConverter.GetBytes(value)));

    /// <summary>Floats in the graph's own type, under a new name.</summary>
    public string Floats(string name, ElementType type, ReadOnlySpan<long> dims, ReadOnlySpan<float> values)
    {
        var taken = names.Take(name);
        model.Graph.Initializer.Add(OnnxTensor.Create(taken, type, dims, values));
        return taken;
    }

    private string Once(string wish, Func<string, TensorProto> make)
    {
        if (_known.TryGetValue(wish, out var known))
            return known;

        var name = _known[wish] = names.Take(wish);
        model.Graph.Initializer.Add(make(name));
        return name;
    }
}
