using System.Runtime.InteropServices;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests;

/// <summary>Makes models of a few nodes; a dimension of 0 is the free batch, of −1, −2, … a free rank of its own.</summary>
internal sealed class SmallModel
{
    private readonly ModelProto _proto = new()
    {
        IrVersion = 8,
        OpsetImport = { new OperatorSetIdProto { Version = 17 } },
        Graph = new GraphProto { Name = "small" },
    };

    public SmallModel Input(string name, DataType type, params long[] dims)
    {
        _proto.Graph.Input.Add(Value(name, type, dims));
        return this;
    }

    public SmallModel Output(string name, DataType type, params long[] dims)
    {
        _proto.Graph.Output.Add(Value(name, type, dims));
        return this;
    }

    public SmallModel Floats(string name, long[] dims, params float[] values)
    {
        _proto.Graph.Initializer.Add(OnnxTensor.Create(name, dims, values));
        return this;
    }

    public SmallModel Longs(string name, long[] dims, params long[] values)
    {
        _proto.Graph.Initializer.Add(OnnxTensor.Create(name, DataType.Int64, dims, MemoryMarshal.AsBytes(values.AsSpan())));
        return this;
    }

    /// <summary>Seeded numbers between −½ and ½.</summary>
    public SmallModel Random(string name, params long[] dims)
    {
        var random = new Random(name.Sum(letter => letter));
        return Floats(name, dims, [.. Enumerable.Range(0, (int)dims.Aggregate(1L, (product, dim) => product * dim)).Select(_ => random.NextSingle() - 0.5f)]);
    }

    public SmallModel Node(string op, string inputs, string output, params AttributeProto[] attributes) =>
        Named("node_" + output, op, inputs, output, attributes);

    public SmallModel Named(string name, string op, string inputs, string output, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = op, Name = name, Output = { output } };
        node.Input.AddRange(inputs.Split(' '));
        node.Attribute.AddRange(attributes);
        _proto.Graph.Node.Add(node);
        return this;
    }

    public OnnxModel Build(string path = "small.onnx") => OnnxModel.FromProto(_proto.Clone(), path);

    public string Save(string path)
    {
        Build(path).Save(path);
        return path;
    }

    /// <summary>y = x + c of [batch, 3].</summary>
    public static SmallModel Shift(float by, long batch = 0) => new SmallModel()
        .Input("x", DataType.Float, batch, 3)
        .Floats("c", [], by)
        .Node("Add", "x c", "y")
        .Output("y", DataType.Float, batch, 3);

    public static AttributeProto Int(string name, long value) =>
        new() { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int };

    private static ValueInfoProto Value(string name, DataType type, long[] dims)
    {
        var shape = new TensorShapeProto();
        foreach (var dim in dims)
        {
            shape.Dim.Add(dim <= 0
                ? new TensorShapeProto.Types.Dimension { DimParam = dim == 0 ? "batch" : $"lora_r{-dim}" }
                : new TensorShapeProto.Types.Dimension { DimValue = dim });
        }

        return new ValueInfoProto
        {
            Name = name,
            Type = new TypeProto { TensorType = new TypeProto.Types.Tensor { ElemType = (int)type, Shape = shape } },
        };
    }
}
