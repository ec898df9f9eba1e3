using System.Runtime.InteropServices;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests;

/// <summary>Makes small models in code: inputs, constants, nodes in order, outputs.</summary>
public sealed class TinyGraph
{
    private readonly ModelProto _model = new() { IrVersion = 8, Graph = new GraphProto { Name = "tiny" } };

    public TinyGraph(long opset = 17) => _model.OpsetImport.Add(new OperatorSetIdProto { Domain = "", Version = opset });

    public TinyGraph Input(string name, params long[] dims)
    {
        _model.Graph.Input.Add(Value(name, dims));
        return this;
    }

    public TinyGraph Output(string name, params long[] dims)
    {
        _model.Graph.Output.Add(Value(name, dims));
        return this;
    }

    /// <summary>A float constant of seeded numbers between −1 and 1.</summary>
    public TinyGraph Random(string name, params long[] dims)
    {
        var random = new Random(name.Sum(letter => letter));
        var values = new float[dims.Aggregate(1L, (product, dim) => product * dim)];
        for (var i = 0; i < values.Length; i++)
            values[i] = (random.NextSingle() * 2) - 1;

        return Floats(name, dims, values);
    }

    public TinyGraph Floats(string name, long[] dims, params float[] values)
    {
        _model.Graph.Initializer.Add(OnnxTensor.Create(name, dims, values));
        return this;
    }

    public TinyGraph Float(string name, float value) => Floats(name, [], value);

    public TinyGraph Codes<T>(string name, DataType type, long[] dims, params T[] values)
        where T : unmanaged
    {
        _model.Graph.Initializer.Add(OnnxTensor.Create(name, type, dims, MemoryMarshal.AsBytes(values.AsSpan())));
        return this;
    }

    public TinyGraph Node(string op, string[] inputs, string output, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = op, Name = "node_" + output };
        node.Input.AddRange(inputs);
        node.Output.Add(output);
        node.Attribute.AddRange(attributes);
        _model.Graph.Node.Add(node);
        return this;
    }

    /// <summary>QuantizeLinear and DequantizeLinear of a value, with one scale; the result is called <c>VALUE_dq</c>.</summary>
    public TinyGraph Pair(string value, DataType type = DataType.Int8, float scale = 0.01f, byte zero = 0) => this
        .Float(value + "_s", scale)
        .Codes(value + "_z", type, [], zero)
        .Node("QuantizeLinear", [value, value + "_s", value + "_z"], value + "_q")
        .Node("DequantizeLinear", [value + "_q", value + "_s", value + "_z"], value + "_dq");

    /// <summary>An int8 constant with a DequantizeLinear; the result is called <c>NAME_dq</c>.</summary>
    public TinyGraph Stored(string name, long[] dims, int axis, DataType type = DataType.Int8)
    {
        var channels = dims[axis];
        return Codes(name + "_q", type, dims, new byte[dims.Aggregate(1L, (product, dim) => product * dim)])
            .Floats(name + "_s", [channels], [.. Enumerable.Repeat(0.01f, (int)channels)])
            .Codes(name + "_z", type, [channels], new byte[channels])
            .Node("DequantizeLinear", [name + "_q", name + "_s", name + "_z"], name + "_dq", Integer("axis", axis));
    }

    public OnnxModel Build(string path = "tiny.onnx") => OnnxModel.FromProto(_model.Clone(), path);

    public static AttributeProto Integer(string name, long value) =>
        new() { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int };

    public static AttributeProto Real(string name, float value) =>
        new() { Name = name, F = value, Type = AttributeProto.Types.AttributeType.Float };

    private static ValueInfoProto Value(string name, long[] dims)
    {
        var shape = new TensorShapeProto();
        foreach (var dim in dims)
            shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = dim });

        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)DataType.Float, Shape = shape } },
        };
    }
}
