using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Npy;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.Chips;

/// <summary>
/// One quantized convolution as a chip wants it, and what lies beside it: <c>x</c> [1, 16, 8, 8] → <c>y</c>. Tests bend it until a rule breaks.
/// </summary>
internal sealed class Specimen : IDisposable
{
    private const string Model = "model.onnx";
    private const float Scale = 0.01f;
    private readonly TemporaryFolder _folder = new();
    private readonly ModelProto _proto;

    public Specimen(ChipProfile chip, DataType? activations = null, long opset = 17)
    {
        Chip = chip;
        opset = Math.Min(opset, chip.Opset.Max);
        Type = activations ?? (chip.Activations.Type == ActivationType.Uint8 ? DataType.Uint8 : DataType.Int8);
        var graph = new TinyGraph(opset).Input("x", 1, 16, 8, 8).Pair("x", Type, Scale);
        graph = opset < 13 ? StoredOnce(graph, "w") : graph.Stored("w", [16, 16, 3, 3], 0);
        graph = chip.Bias == BiasPolicy.Float ? graph.Random("b", 16) : Bias(graph, opset < 13 ? 1 : 16);
        graph.Node("Conv", ["x_dq", "w_dq", chip.Bias == BiasPolicy.Float ? "b" : "b_dq"], "y");
        if (chip.OutputOps.Contains("Conv"))
            graph.Pair("y", Type, Scale);

        _proto = graph.Output(Tail, 1, 16, 8, 8).Build(Model).Proto;
    }

    public ChipProfile Chip { get; private set; }

    public RuleEvidence Evidence { get; private set; } = RuleEvidence.None;

    /// <summary>The value that is the model's output.</summary>
    public string Tail => Chip.OutputOps.Contains("Conv") ? "y_dq" : "y";

    private DataType Type { get; }

    public IReadOnlyList<Finding> Findings() => ChipRules.Check(Built(), Chip, Evidence);

    public IEnumerable<string> NotChecked() => ChipRules.NotChecked(Built(), Chip, Evidence).Select(rule => rule.RuleId);

    public Specimen Edit(Action<ModelProto> edit)
    {
        edit(_proto);
        return this;
    }

    /// <summary>Adds nodes and constants that a small graph holds.</summary>
    public Specimen Add(Func<TinyGraph, TinyGraph> more) => Edit(proto =>
    {
        var added = more(new TinyGraph()).Build().Graph;
        proto.Graph.Node.AddRange(added.Node);
        proto.Graph.Initializer.AddRange(added.Initializer);
    });

    public Specimen Node(string output, Action<NodeProto> edit) => Edit(proto => edit(proto.Graph.Node.Single(node => node.Output[0] == output)));

    public Specimen Constant(string name, params float[] values) => Edit(proto =>
    {
        var tensor = proto.Graph.Initializer.Single(tensor => tensor.Name == name);
        proto.Graph.Initializer.Remove(tensor);
        proto.Graph.Initializer.Add(OnnxTensor.Create(name, [.. tensor.Dims], values.Length == 1
            ? [.. Enumerable.Repeat(values[0], (int)tensor.Dims.Aggregate(1L, (product, dim) => product * dim))]
            : values));
    });

    /// <summary>Stores a constant as codes of another value or type.</summary>
    public Specimen Codes(string name, DataType type, byte value) => Edit(proto =>
    {
        var tensor = proto.Graph.Initializer.Single(tensor => tensor.Name == name);
        proto.Graph.Initializer.Remove(tensor);
        var count = (int)tensor.Dims.Aggregate(1L, (product, dim) => product * dim);
        proto.Graph.Initializer.Add(OnnxTensor.Create(name, type, [.. tensor.Dims], Enumerable.Repeat(value, count).ToArray()));
    });

    /// <summary>Leaves the height of the input open.</summary>
    public Specimen OpenHeight() => Open(2);

    /// <summary>Leaves a dimension of the input open.</summary>
    public Specimen Open(int axis) =>
        Edit(proto => proto.Graph.Input[0].Type.TensorType.Shape.Dim[axis] = new TensorShapeProto.Types.Dimension { DimParam = "free" });

    /// <summary>Says what shape a value has.</summary>
    public Specimen Shape(string value, params long[] dims) =>
        Edit(proto => proto.Graph.ValueInfo.Add(new TinyGraph().Input(value, dims).Build().Graph.Input[0]));

    public Specimen Opset(long version) => Edit(proto => proto.OpsetImport[0].Version = version);

    public Specimen For(Func<ChipProfile, ChipProfile> edit)
    {
        Chip = edit(Chip);
        return this;
    }

    public Specimen Target(string name, string value) => For(chip => chip with
    {
        Target = new Dictionary<string, string>(chip.Target, StringComparer.Ordinal) { [name] = value },
    });

    public Specimen Optimized(OnnxModel model)
    {
        Evidence = Evidence with { Optimized = model };
        return this;
    }

    /// <summary>Lays a file of the user's beside the model.</summary>
    public Specimen Beside(string file, string text)
    {
        File.WriteAllText(_folder[file], text);
        Evidence = Evidence with { HandOffFolder = _folder.Path, HandOffModel = Model };
        return this;
    }

    /// <summary>Writes the chip's hand-off files.</summary>
    public Specimen HandedOff(long samples = 100)
    {
        var real = Real();
        var ranges = new Dictionary<string, TensorRange> { ["x"] = new(-1, 0.5f), ["y"] = new(-2, 3) };
        Directory.CreateDirectory(_folder["samples"]);
        NpyOutput.Write(
            Path.Combine(_folder["samples"], "x.npy"), ElementType.F32, new TensorShape([samples, 16, 8, 8]), new byte[samples * 16 * 64 * sizeof(float)]);
        HandOffs.Write(
            new HandOffRequest
            {
                Chip = Chip,
                Prepared = real,
                Quantization = new Quantization(Built(), [], []),
                Ranges = ranges,
                Model = Model,
                Samples = SampleSet.Open(_folder["samples"]),
            },
            _folder.Path);
        Evidence = Evidence with { HandOffFolder = _folder.Path, HandOffModel = Model, Float = real, Ranges = ranges };
        return this;
    }

    /// <summary>Changes the text of a hand-off file; the change must change something.</summary>
    public Specimen Rewrite(string file, Func<string, string> edit)
    {
        var before = File.ReadAllText(_folder[file]);
        var after = edit(before);
        Assert.NotEqual(before, after);
        File.WriteAllText(_folder[file], after);
        return this;
    }

    public Specimen Drop(string folder)
    {
        Directory.Delete(_folder[folder], recursive: true);
        return this;
    }

    public void Dispose() => _folder.Dispose();

    private OnnxModel Built() => OnnxModel.FromProto(_proto.Clone(), Model);

    // The float model that the quantized one comes from: the same names, no pairs.
    private OnnxModel Real() => new TinyGraph(Math.Min(17, Chip.Opset.Max)).Input("x", 1, 16, 8, 8).Random("w", 16, 16, 3, 3).Random("b", 16)
        .Node("Conv", ["x", "w", "b"], "y").Output("y", 1, 16, 8, 8).Build(Model);

    /// <summary>A constant of 16 × 16 × 3 × 3 codes with one scale; the result is called <c>NAME_dq</c>.</summary>
    public static TinyGraph StoredOnce(TinyGraph graph, string name) => graph
        .Codes(name + "_q", DataType.Int8, [16, 16, 3, 3], new byte[16 * 16 * 9])
        .Float(name + "_s", Scale).Codes(name + "_z", DataType.Int8, [], (byte)0)
        .Node("DequantizeLinear", [name + "_q", name + "_s", name + "_z"], name + "_dq");

    /// <summary>A pair of sixteen bits; the result is called <c>VALUE_dq</c>.</summary>
    public static TinyGraph Wide(TinyGraph graph, string value, float scale) => graph
        .Float(value + "_s", scale).Codes(value + "_z", DataType.Uint16, [], (ushort)0)
        .Node("QuantizeLinear", [value, value + "_s", value + "_z"], value + "_q")
        .Node("DequantizeLinear", [value + "_q", value + "_s", value + "_z"], value + "_dq");

    private static TinyGraph Bias(TinyGraph graph, int scales) => graph
        .Codes("b_q", DataType.Int32, [16], new int[16])
        .Floats("b_s", scales == 1 ? [] : [scales], [.. Enumerable.Repeat(Scale * Scale, scales)])
        .Codes("b_z", DataType.Int32, scales == 1 ? [] : [scales], new int[scales])
        .Node("DequantizeLinear", ["b_q", "b_s", "b_z"], "b_dq", TinyGraph.Integer("axis", 0));
}
