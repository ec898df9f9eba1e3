using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Readers.Peft;
using LoraOps.Tensors;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Runtime.Tests.Forms;

/// <summary>A graph of a layer or two, from an input <c>x</c> to an output <c>y</c>, and adapters of different ranks for it.</summary>
/// <param name="Name">What is special about it.</param>
/// <param name="Model">The graph.</param>
/// <param name="Adapters">What each adapter changes.</param>
public sealed record LayerCase(string Name, Func<OnnxModel> Model, IReadOnlyList<Func<TinyAdapter>> Adapters)
{
    private const int Wide = 8;

    /// <summary>All cases.</summary>
    public static IReadOnlyList<LayerCase> All { get; } =
    [
        new("a residual block", ResidualBlock, [() => New().Linear("mlp.fc1", Wide, 16), () => New().Linear("mlp.fc2", 16, Wide, 3)]),
        new("Gemm with alpha, beta and DoRA", ScaledGemm, [() => New().Linear("fc", Wide, 6, 2, true), () => New().Linear("fc", Wide, 6, 4)]),
        new("rows folded into the batch", Flattened, [() => New().Linear("fc", Wide, 6, 2, true), () => New().Linear("fc", Wide, 6, 5)]),
        new("the sequence first", SequenceFirst, [() => New().Linear("fc", Wide, Wide, 2, true), () => New().Linear("fc", Wide, Wide, 1)]),
        new("three layers of one value", SharedInput,
            [() => New().Linear("q_proj", Wide, Wide).Linear("v_proj", Wide, 4, 3), () => New().Linear("k_proj", Wide, Wide, 4)]),
        new("q, k and v in one weight", PackedQkv,
        [
            () => New().Linear("attn.q_proj", Wide, Wide).Linear("attn.v_proj", Wide, Wide, 3),
            () => New().Linear("attn.k_proj", Wide, Wide, 4),
        ]),
        new("one module over three nodes", SplitQkv,
            [() => New().Linear("attn.qkv_proj", Wide, 3 * Wide, 2, true), () => New().Linear("attn.qkv_proj", Wide, 3 * Wide, 5)]),
        new("a convolution and its batch norm", NormedConvolution,
            [() => New().Convolution("conv", 3, 5, [3, 3], 2, true), () => New().Convolution("conv", 3, 5, [3, 3], 4)]),
        new("an embedding with DoRA", Embedding, [() => New().Embedding("embed", 11, Wide, 2, true), () => New().Embedding("embed", 11, Wide, 3)]),
        new("BOFT, without thin factors", ScaledGemm, [Boft, () => New().Linear("fc", Wide, 6, 4)]),
        new("a saved module and a bias", ScaledLinear, [Saved, Biased, () => New().Linear("fc", Wide, 6, 2, true)]),
        new("a saved grouped convolution", GroupedConvolution, [SavedConvolution, () => New().Convolution("last", 6, 4, [1, 1])]),
        new("many adapters", Tokens, Numbered(40)),
        new("many adapters of a bias", ScaledLinear, [.. Numbered(40), Biased]),
    ];

    /// <summary>Layers that compute in half precision between two casts; their numbers are coarser than the others'.</summary>
    public static IReadOnlyList<LayerCase> Halves { get; } =
    [
        new("a linear layer of halves", () => Halved(ScaledLinear("half", "single")),
            [() => New().Linear("fc", Wide, 6, 2, true), () => New().Linear("fc", Wide, 6, 4), Biased, Saved]),
        new("a convolution of halves", () => Halved(Convolution("half", "single")),
            [() => New().Convolution("conv", 3, 5, [3, 3], 2, true), () => New().Convolution("conv", 3, 5, [3, 3], 4)]),
    ];

    /// <summary>Reads the adapters, each from a folder of its own.</summary>
    public IReadOnlyList<WeightedAdapter> Read(TemporaryFolder folder) =>
        [.. Adapters.Select((make, at) => new WeightedAdapter(PeftReader.Read(make().WriteTo(folder[$"adapter-{at + 1}"]))))];

    public override string ToString() => Name;

    private static OnnxModel ResidualBlock() => new SmallModel()
        .Input("x", DataType.Float, 0, 5, Wide)
        .Random("onnx::MatMul_1", Wide, 16).Random("mlp.fc1.bias", 16).Random("onnx::MatMul_2", 16, Wide).Random("mlp.fc2.bias", Wide)
        .Random("norm.weight", Wide).Random("norm.bias", Wide).Floats("root", [], 1.4142135f).Floats("one", [], 1).Floats("half", [], 0.5f)
        .Named("/mlp/fc1/MatMul", "MatMul", "x onnx::MatMul_1", "h").Named("/mlp/fc1/Add", "Add", "mlp.fc1.bias h", "hb")
        .Node("Div", "hb root", "g1").Node("Erf", "g1", "g2").Node("Add", "g2 one", "g3").Node("Mul", "hb g3", "g4").Node("Mul", "g4 half", "g")
        .Named("/mlp/fc2/MatMul", "MatMul", "g onnx::MatMul_2", "o").Named("/mlp/fc2/Add", "Add", "mlp.fc2.bias o", "ob")
        .Node("Add", "ob x", "r").Node("LayerNormalization", "r norm.weight norm.bias", "y")
        .Output("y", DataType.Float, 0, 5, Wide).Build();

    private static OnnxModel ScaledGemm() => new SmallModel()
        .Input("x", DataType.Float, 0, Wide)
        .Random("fc.weight", 6, Wide).Random("fc.bias", 6)
        .Named("/fc/Gemm", "Gemm", "x fc.weight fc.bias", "y", Integer("transB", 1), Float("alpha", 0.5f), Float("beta", 2))
        .Output("y", DataType.Float, 0, 6).Build();

    private static OnnxModel ScaledLinear() => ScaledLinear("x", "y").Build();

    private static SmallModel ScaledLinear(string from, string to) => new SmallModel()
        .Input("x", DataType.Float, 0, 5, Wide)
        .Random("onnx::MatMul_1", Wide, 6).Random("fc.bias", 6)
        .Named("/fc/MatMul", "MatMul", $"{from} onnx::MatMul_1", "h").Named("/fc/Add", "Add", "fc.bias h", to)
        .Output("y", DataType.Float, 0, 5, 6);

    private static SmallModel Convolution(string from, string to) => new SmallModel()
        .Input("x", DataType.Float, 0, 3, 7, 7)
        .Random("conv.weight", 5, 3, 3, 3).Random("conv.bias", 5)
        .Named("/conv/Conv", "Conv", $"{from} conv.weight conv.bias", to, Integers("pads", 1, 1, 1, 1))
        .Output("y", DataType.Float, 0, 5, 7, 7);

    private static OnnxModel Halved(SmallModel small)
    {
        var model = small.Node("Cast", "single", "y", Integer("to", (long)DataType.Float)).Build();
        model.Graph.Node.Insert(0, new SmallModel().Node("Cast", "x", "half", Integer("to", (long)DataType.Float16)).Build().Graph.Node[0]);
        foreach (var tensor in model.Graph.Initializer.ToList())
        {
            model.Graph.Initializer.Remove(tensor);
            model.Graph.Initializer.Add(OnnxTensor.Create(tensor.Name, ElementType.F16, [.. tensor.Dims], model.Read(tensor).ToFloats()));
        }

        return model;
    }

    private static OnnxModel Tokens() => new SmallModel()
        .Input("x", DataType.Float, 0, 1, Wide)
        .Random("onnx::MatMul_1", Wide, 6).Named("/fc/MatMul", "MatMul", "x onnx::MatMul_1", "y")
        .Output("y", DataType.Float, 0, 1, 6).Build();

    private static OnnxModel Flattened() => new SmallModel()
        .Input("x", DataType.Float, 0, 5, Wide)
        .Random("fc.weight", Wide, 6).Random("fc.bias", 6).Longs("rows", [2], -1, Wide).Longs("back", [3], -1, 5, 6)
        .Node("Reshape", "x rows", "flat").Named("/fc/Gemm", "Gemm", "flat fc.weight fc.bias", "h").Node("Reshape", "h back", "y")
        .Output("y", DataType.Float, 0, 5, 6).Build();

    private static OnnxModel SequenceFirst() => new SmallModel()
        .Input("x", DataType.Float, 0, 5, Wide)
        .Random("onnx::MatMul_1", Wide, Wide).Random("fc.bias", Wide)
        .Node("Transpose", "x", "t", Integers("perm", 1, 0, 2))
        .Named("/fc/MatMul", "MatMul", "t onnx::MatMul_1", "h").Named("/fc/Add", "Add", "fc.bias h", "hb")
        .Node("Transpose", "hb", "y", Integers("perm", 1, 0, 2))
        .Output("y", DataType.Float, 0, 5, Wide).Build();

    private static OnnxModel SharedInput() => new SmallModel()
        .Input("x", DataType.Float, 0, 5, Wide)
        .Random("q", Wide, Wide).Random("k", Wide, Wide).Random("v", Wide, 4)
        .Named("/q_proj/MatMul", "MatMul", "x q", "yq").Named("/k_proj/MatMul", "MatMul", "x k", "yk").Named("/v_proj/MatMul", "MatMul", "x v", "yv")
        .Node("Concat", "yq yk yv", "y", Integer("axis", 2))
        .Output("y", DataType.Float, 0, 5, (2 * Wide) + 4).Build();

    private static OnnxModel PackedQkv() => new SmallModel()
        .Input("x", DataType.Float, 0, 5, Wide)
        .Random("onnx::MatMul_1", Wide, 3 * Wide).Random("attn.qkv_proj.bias", 3 * Wide)
        .Named("/attn/qkv_proj/MatMul", "MatMul", "x onnx::MatMul_1", "h").Named("/attn/qkv_proj/Add", "Add", "attn.qkv_proj.bias h", "y")
        .Output("y", DataType.Float, 0, 5, 3 * Wide).Build();

    private static OnnxModel SplitQkv() => new SmallModel()
        .Input("x", DataType.Float, 0, 5, Wide)
        .Random("q", Wide, Wide).Random("k", Wide, Wide).Random("v", Wide, Wide)
        .Named("/attn/q_proj/MatMul", "MatMul", "x q", "yq").Named("/attn/k_proj/MatMul", "MatMul", "x k", "yk")
        .Named("/attn/v_proj/MatMul", "MatMul", "x v", "yv")
        .Node("Concat", "yq yk yv", "y", Integer("axis", 2))
        .Output("y", DataType.Float, 0, 5, 3 * Wide).Build();

    private static OnnxModel NormedConvolution() => new SmallModel()
        .Input("x", DataType.Float, 0, 3, 7, 7)
        .Random("conv.weight", 5, 3, 3, 3).Random("conv.bias", 5).Random("bn.weight", 5).Random("bn.bias", 5).Random("bn.mean", 5)
        .Floats("bn.var", [5], 0.3f, 1.2f, 0.9f, 2, 0.05f)
        .Named("/conv/Conv", "Conv", "x conv.weight conv.bias", "h", Integers("pads", 1, 1, 1, 1), Integers("strides", 2, 2))
        .Node("BatchNormalization", "h bn.weight bn.bias bn.mean bn.var", "n").Node("Relu", "n", "y")
        .Output("y", DataType.Float, 0, 5, 4, 4).Build();

    private static OnnxModel GroupedConvolution() => new SmallModel()
        .Input("x", DataType.Float, 0, 4, 6, 6)
        .Random("conv.weight", 6, 2, 3, 3).Random("conv.bias", 6).Random("last.weight", 4, 6, 1, 1)
        .Named("/conv/Conv", "Conv", "x conv.weight conv.bias", "h", Integer("group", 2)).Named("/last/Conv", "Conv", "h last.weight", "y")
        .Output("y", DataType.Float, 0, 4, 4, 4).Build();

    private static OnnxModel Embedding() => new SmallModel()
        .Input("x", DataType.Int64, 0, 5).Random("embed.weight", 11, Wide).Named("/embed/Gather", "Gather", "embed.weight x", "y")
        .Output("y", DataType.Float, 0, 5, Wide).Build();

    private static TinyAdapter Boft() => new TinyAdapter().With("peft_type", "\"BOFT\"").With("boft_block_size", "4").With("boft_block_num", "0")
        .With("boft_n_butterfly_factor", "1").With("boft_dropout", "0")
        .Without("lora_alpha").Without("use_dora").Without("use_rslora").Without("r").Without("init_lora_weights")
        .Tensor("base_model.model.fc.boft_R", 1, 2, 4, 4).Tensor("base_model.model.fc.boft_s", 6, 1);

    private static TinyAdapter Saved() => new TinyAdapter().With("modules_to_save", "[\"fc\"]")
        .Tensor("base_model.model.fc.weight", 6, Wide).Tensor("base_model.model.fc.bias", 6);

    private static TinyAdapter SavedConvolution() => New().With("modules_to_save", "[\"conv\"]")
        .Tensor("base_model.model.conv.weight", 6, 2, 3, 3).Tensor("base_model.model.conv.bias", 6);

    private static TinyAdapter Biased() => new TinyAdapter().With("bias", "\"lora_only\"")
        .Linear("fc", Wide, 6, 4).Tensor("base_model.model.fc.base_layer.bias", 6);

    // Another number, another adapter: the makers' numbers are seeded.
    private static IReadOnlyList<Func<TinyAdapter>> Numbered(int count) => [.. Enumerable.Range(1, count).Select(number =>
        (Func<TinyAdapter>)(() => New().With("lora_alpha", $"{number}").Linear("fc", Wide, 6, 1 + (number % 3))))];

    private static TinyAdapter New() => new();

    private static AttributeProto Integer(string name, long value) => new() { Name = name, I = value, Type = AttributeProto.Types.AttributeType.Int };

    private static AttributeProto Float(string name, float value) => new() { Name = name, F = value, Type = AttributeProto.Types.AttributeType.Float };

    private static AttributeProto Integers(string name, params long[] values) =>
        new() { Name = name, Ints = { values }, Type = AttributeProto.Types.AttributeType.Ints };
}
