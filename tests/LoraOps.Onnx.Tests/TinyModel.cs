using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Tests;

/// <summary>Makes small graphs, node by node.</summary>
internal sealed class TinyModel
{
    private readonly ModelProto _proto = new()
    {
        IrVersion = 8,
        OpsetImport = { new OperatorSetIdProto { Version = 17 } },
        Graph = new GraphProto { Name = "tiny" },
    };

    /// <summary>The model as built so far.</summary>
    public OnnxModel Model => OnnxModel.FromProto(_proto, "tiny.onnx");

    /// <summary>Adds a float initializer of 1, 2, 3 … over 10, or of these values.</summary>
    public TinyModel Weight(string name, long[] dims, params float[] values)
    {
        var count = (int)dims.Aggregate(1L, (product, dim) => product * dim);
        _proto.Graph.Initializer.Add(OnnxTensor.Create(
            name, dims, values.Length > 0 ? values : [.. Enumerable.Range(1, count).Select(i => i / 10f)]));
        return this;
    }

    /// <summary>Adds a node; the last name is its output, the others its inputs.</summary>
    public TinyModel Node(string op, string name, string[] values, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = op, Name = name, Output = { values[^1] } };
        node.Input.Add(values[..^1]);
        node.Attribute.Add(attributes);
        _proto.Graph.Node.Add(node);
        return this;
    }

    /// <summary>Records a scope on the last node as torch.export does.</summary>
    public TinyModel Scope(string module)
    {
        _proto.Graph.Node[^1].MetadataProps.Add(
            new StringStringEntryProto { Key = "pkg.torch.onnx.name_scopes", Value = $"['', '{module}', 'x']" });
        return this;
    }

    /// <summary>Makes a value an output of the graph.</summary>
    public TinyModel Output(string name)
    {
        _proto.Graph.Output.Add(new ValueInfoProto { Name = name });
        return this;
    }

    /// <summary>An integer attribute.</summary>
    public static AttributeProto Int(string name, long value) =>
        new() { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int };

    /// <summary>A float attribute.</summary>
    public static AttributeProto Float(string name, float value) =>
        new() { Name = name, F = value, Type = AttributeProto.Types.AttributeType.Float };
}
