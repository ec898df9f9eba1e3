using System.Runtime.InteropServices;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Benchmarks;

/// <summary>
/// A vision transformer of random weights as TorchScript exports it: patches, a class token, blocks of attention and GELU layers, a
/// linear head; q, k and v are MatMul and Add with the names that Hugging Face gives them.
/// </summary>
internal sealed class VitModel(int blocks, int width, int tokens)
{
    private const int Patch = 16;
    private const int Classes = 1000;
    private const int HeadWidth = 64;
    private readonly Random _random = new(7);
    private readonly GraphProto _graph = new() { Name = "vit" };

    /// <summary>The adapted layers of a block, as <see cref="BenchmarkAdapter"/> wants them.</summary>
    public static IReadOnlyList<(string Module, int Outputs, int Inputs)> QueryAndValue(int width) =>
        [("attention.q_proj", width, width), ("attention.v_proj", width, width)];

    /// <summary>The whole model.</summary>
    public OnnxModel Build(string path)
    {
        var side = (int)Math.Sqrt(tokens - 1) * Patch;
        _graph.Input.Add(Port("pixel_values", "batch", 3, side, side));
        _graph.Output.Add(Port("logits", "batch", Classes));
        var hidden = Embeddings();
        for (var block = 0; block < blocks; block++)
            hidden = Block($"model.layers.{block}", hidden);

        var normed = Norm("model.layernorm", hidden);
        var first = Node("Gather", "/model/Gather", [normed, Indices("vit.first", 0)], Integer("axis", 1));
        var weight = Random("classifier.weight", 0.05f, Classes, width);
        Node("Gemm", "/classifier/Gemm", "logits", [first, weight, Random("classifier.bias", 0.01f, Classes)], Integer("transB", 1));
        var model = new ModelProto { IrVersion = 8, ProducerName = "loraops-benchmarks", Graph = _graph };
        model.OpsetImport.Add(new OperatorSetIdProto { Version = 17 });
        return OnnxModel.FromProto(model, path);
    }

    private string Embeddings()
    {
        const string Path = "/model/embeddings";
        var kernel = Random("model.embeddings.patch_embeddings.projection.weight", 0.02f, width, 3, Patch, Patch);
        var image = Node("Conv", $"{Path}/patch_embeddings/projection/Conv", ["pixel_values", kernel], Integers("strides", Patch, Patch));
        var flat = Node("Reshape", $"{Path}/Reshape", [image, Indices("vit.flat", 0, width, -1)]);
        var rows = Node("Transpose", $"{Path}/Transpose", [flat], Integers("perm", 0, 2, 1));
        var batch = Node("Shape", $"{Path}/Shape", [rows], Integer("start", 0), Integer("end", 1));
        var one = Node("Concat", $"{Path}/Shape_1", [batch, Indices("vit.one", 1, width)], Integer("axis", 0));
        var token = Node("Expand", $"{Path}/Expand", [Random("model.embeddings.cls_token", 0.02f, 1, 1, width), one]);
        var all = Node("Concat", $"{Path}/Concat", [token, rows], Integer("axis", 1));
        return Node("Add", $"{Path}/Add", [all, Random("model.embeddings.position_embeddings", 0.02f, 1, tokens, width)]);
    }

    private string Block(string name, string hidden)
    {
        var normed = Norm(name + ".layernorm_before", hidden);
        var (q, k, v) = (Heads(name, "q_proj", normed, 0, 2, 1, 3), Heads(name, "k_proj", normed, 0, 2, 3, 1), Heads(name, "v_proj", normed, 0, 2, 1, 3));
        var path = Path(name + ".attention");
        var scores = Node("MatMul", path + "MatMul", [q, k]);
        var scaled = Node("Mul", path + "Mul", [scores, Scalar("vit.scale", 1 / MathF.Sqrt(HeadWidth))]);
        var weights = Node("Softmax", path + "Softmax", [scaled], Integer("axis", -1));
        var mixed = Node("Transpose", path + "Transpose", [Node("MatMul", path + "MatMul_1", [weights, v])], Integers("perm", 0, 2, 1, 3));
        var joined = Node("Reshape", path + "Reshape", [mixed, Indices("vit.joined", 0, 0, width)]);
        var attended = Node("Add", Path(name) + "Add", [Linear(name + ".attention.o_proj", joined, width, width), hidden]);
        var inner = Gelu(name, Linear(name + ".mlp.fc1", Norm(name + ".layernorm_after", attended), width, 4 * width));
        return Node("Add", Path(name) + "Add_1", [Linear(name + ".mlp.fc2", inner, 4 * width, width), attended]);
    }

    private string Heads(string name, string projection, string input, params ReadOnlySpan<long> order)
    {
        var path = Path($"{name}.attention") + projection;
        var flat = Linear($"{name}.attention.{projection}", input, width, width);
        var heads = Node("Reshape", path + "_Reshape", [flat, Indices("vit.heads", 0, 0, width / HeadWidth, HeadWidth)]);
        return Node("Transpose", path + "_Transpose", [heads], Integers("perm", order));
    }

    private string Gelu(string name, string value)
    {
        var path = Path(name + ".mlp.activation");
        var erf = Node("Erf", path + "Erf", [Node("Div", path + "Div", [value, Scalar("vit.sqrt2", MathF.Sqrt(2))])]);
        var sum = Node("Add", path + "Add", [erf, Scalar("vit.1", 1)]);
        return Node("Mul", path + "Mul_1", [Node("Mul", path + "Mul", [value, sum]), Scalar("vit.half", 0.5f)]);
    }

    private string Norm(string name, string value) => Node(
        "LayerNormalization", Path(name) + "LayerNormalization",
        [value, Random(name + ".weight", 0.02f, width), Random(name + ".bias", 0.02f, width)], Integer("axis", -1));

    private string Linear(string module, string input, int inputs, int outputs)
    {
        var weight = Random($"onnx::MatMul_{_graph.Initializer.Count}", 2 / MathF.Sqrt(inputs), inputs, outputs);
        var product = Node("MatMul", Path(module) + "MatMul", [input, weight]);
        return Node("Add", Path(module) + "Add", [Random(module + ".bias", 0.02f, outputs), product]);
    }

    private static string Path(string module)
    {
        var parts = module.Split('.');
        return "/" + string.Join('/', parts).Replace("/layers/", "/layers.", StringComparison.Ordinal) + "/";
    }

    private string Node(string op, string name, string[] inputs, params AttributeProto[] attributes) => Node(op, name, name + "_output_0", inputs, attributes);

    private string Node(string op, string name, string output, string[] inputs, params AttributeProto[] attributes)
    {
        var node = new NodeProto { OpType = op, Name = name };
        node.Input.AddRange(inputs);
        node.Output.Add(output);
        node.Attribute.AddRange(attributes);
        _graph.Node.Add(node);
        return output;
    }

    private string Random(string name, float scale, params ReadOnlySpan<long> dims)
    {
        var count = 1L;
        foreach (var dim in dims)
            count *= dim;

        var values = new float[count];
        for (var i = 0; i < values.Length; i++)
            values[i] = scale * (_random.NextSingle() - 0.5f);

        _graph.Initializer.Add(OnnxTensor.Create(name, dims, values));
        return name;
    }

    private string Scalar(string name, float value) => Once(name, () => OnnxTensor.Create(name, [], [value]));

    private string Indices(string name, params long[] values) => Once(
        name, () => OnnxTensor.Create(name, DataType.Int64, name == "vit.first" ? [] : [values.Length], MemoryMarshal.AsBytes(values.AsSpan())));

    private string Once(string name, Func<TensorProto> make)
    {
        if (_graph.Initializer.All(tensor => tensor.Name != name))
            _graph.Initializer.Add(make());

        return name;
    }

    private static ValueInfoProto Port(string name, string batch, params ReadOnlySpan<int> dims)
    {
        var shape = new TensorShapeProto { Dim = { new TensorShapeProto.Types.Dimension { DimParam = batch } } };
        foreach (var dim in dims)
            shape.Dim.Add(new TensorShapeProto.Types.Dimension { DimValue = dim });

        var tensor = new TypeProto.Types.Tensor { ElemType = (int)DataType.Float, Shape = shape };
        return new ValueInfoProto { Name = name, Type = new TypeProto { TensorType = tensor } };
    }

    private static AttributeProto Integer(string name, long value) => new() { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int };

    private static AttributeProto Integers(string name, params ReadOnlySpan<long> values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Ints };
        foreach (var value in values)
            attribute.Ints.Add(value);

        return attribute;
    }
}
