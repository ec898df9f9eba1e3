using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Tests.Forms;
using LoraOps.Problems;
using LoraOps.Tensors;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;
using static LoraOps.Onnx.Tests.TinyModel;

namespace LoraOps.Onnx.Tests.Mapping;

/// <summary>Graphs without a name: only the base's values say what is what.</summary>
public class ContentPlacesTests
{
    private static readonly float[] _first = TinyCheckpoint.Random(1, 6);
    private static readonly float[] _second = TinyCheckpoint.Random(2, 6);

    [Theory]
    [InlineData(DataType.Float)]
    [InlineData(DataType.Float16)]
    [InlineData(DataType.Bfloat16)]
    public void Finds_a_weight_by_its_values_in_any_type_and_orientation(DataType type)
    {
        var model = Anonymous(type);
        using var file = Two();

        var sites = MergedForm.Convert(model, [Adapter("a"), Adapter("b")], new MappingOptions { Base = file.Checkpoint }).Sites;

        Assert.Equal(["1", "2"], sites.Select(site => site.Initializer));
        Assert.All(sites, site => Assert.Equal([EvidenceTier.Content], site.Evidence));
        Assert.All(sites, site => Assert.True(site.IsVerified));
    }

    [Fact]
    public void Finds_rows_of_an_anonymous_packed_weight()
    {
        var model = new TinyModel().Weight("w", [3, 4], StoredWeight.Transpose([.. _first, .. _second], 4, 3)).Node("MatMul", "n", ["x", "w", "y"]).Model;
        using var file = Two();

        var site = Assert.Single(MergedForm.Convert(model, [Adapter("b")], new MappingOptions { Base = file.Checkpoint }).Sites);

        Assert.Equal(new RowRange(2, 2), site.Rows);
    }

    [Fact]
    public void Finds_the_nodes_of_a_module_that_was_split()
    {
        var model = Anonymous(DataType.Float);
        using var file = new TinyCheckpoint(("both.weight", [4, 3], [.. _first, .. _second]));
        var adapter = DenseDelta.Adapter("both", LayerKind.Linear, [4, 3], TinyCheckpoint.Random(3, 12));

        var sites = MergedForm.Convert(model, [adapter], new MappingOptions { Base = file.Checkpoint }).Sites;

        Assert.Equal(["1", "2"], sites.Select(site => site.Initializer));
    }

    [Fact]
    public void Leaves_equal_weights_of_two_modules_undecided()
    {
        var model = new TinyModel().Weight("1", [2, 3], _first).Weight("2", [2, 3], _first)
            .Node("Gemm", "n", ["x", "1", "h"], Int("transB", 1)).Node("Gemm", "m", ["x", "2", "i"], Int("transB", 1)).Model;
        using var file = new TinyCheckpoint(("a.weight", [2, 3], _first), ("b.weight", [2, 3], _first));

        Assert.Equal(ProblemCode.ModuleUnmapped, Refused(model, "a", file));
    }

    [Fact]
    public void Finds_every_call_of_one_layer()
    {
        var model = new TinyModel().Weight("1", [2, 3], _first).Weight("2", [2, 3], _first)
            .Node("Gemm", "n", ["x", "1", "h"], Int("transB", 1)).Node("Gemm", "m", ["x", "2", "i"], Int("transB", 1)).Model;
        using var file = Two();

        Assert.Equal(2, MergedForm.Convert(model, [Adapter("a")], new MappingOptions { Base = file.Checkpoint }).Sites.Count);
    }

    [Fact]
    public void Finds_a_head_that_is_tied_to_the_embedding()
    {
        var model = new TinyModel().Weight("e", [2, 3], _first).Weight("h", [3, 2], StoredWeight.Transpose(_first, 2, 3))
            .Node("Gather", "g", ["e", "ids", "v"]).Node("MatMul", "m", ["v", "h", "y"]).Model;
        using var file = new TinyCheckpoint(("wte.weight", [2, 3], _first));

        var site = Assert.Single(MergedForm.Convert(model, [Adapter("lm_head")], new MappingOptions { Base = file.Checkpoint }).Sites);

        Assert.Equal("h", site.Initializer);
    }

    [Fact]
    public void Lets_the_values_choose_between_two_towers()
    {
        var model = new TinyModel().Weight("text.fc.weight", [2, 3], _first).Weight("vision.fc.weight", [2, 3], _second)
            .Node("Gemm", "/text/fc/Gemm", ["x", "text.fc.weight", "h"], Int("transB", 1))
            .Node("Gemm", "/vision/fc/Gemm", ["x", "vision.fc.weight", "i"], Int("transB", 1)).Model;
        using var file = new TinyCheckpoint(("fc.weight", [2, 3], _second));

        var site = Assert.Single(MergedForm.Convert(model, [Adapter("fc")], new MappingOptions { Base = file.Checkpoint }).Sites);

        Assert.Equal("vision.fc.weight", site.Initializer);
        Assert.Equal(ProblemCode.ModuleAmbiguous, Refused(model, "fc", null));
    }

    [Theory]
    [InlineData("model.text.fc", "text.fc.weight")]
    [InlineData("vision.fc", "vision.fc.weight")]
    public void Believes_the_longest_common_name(string module, string initializer)
    {
        var model = new TinyModel().Weight("text.fc.weight", [2, 3]).Weight("vision.fc.weight", [2, 3]).Weight("fc.weight", [2, 3])
            .Node("Gemm", "/text/fc/Gemm", ["x", "text.fc.weight", "h"], Int("transB", 1))
            .Node("Gemm", "/vision/fc/Gemm", ["x", "vision.fc.weight", "i"], Int("transB", 1))
            .Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "j"], Int("transB", 1)).Model;

        Assert.Equal(initializer, Assert.Single(MergedForm.Convert(model, [Adapter(module)], new MappingOptions()).Sites).Initializer);
    }

    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(false, 1)]
    public void Finds_a_quantized_weight_within_one_step(bool isPerAxis, int error)
    {
        var model = Quantized(isPerAxis, error);
        using var file = Two();
        var resolver = new ModuleResolver(model, new GraphIndex(model), new MappingOptions { Base = file.Checkpoint, IsBranched = true });
        var problems = new List<Problem>();

        var found = resolver.Resolve(new ModuleName("a"), LayerKind.Linear, new TensorShape(2, 3), problems);

        Assert.Empty(problems);
        Assert.Equal("q", Assert.Single(found!.Places).Use.Name);
        Assert.Null(resolver.Resolve(new ModuleName("b"), LayerKind.Linear, new TensorShape(2, 3), problems));
        Assert.Equal(ProblemCode.ModuleUnmapped, Assert.Single(problems).Code);
    }

    [Fact]
    public void Refuses_to_change_a_quantized_weight()
    {
        var model = Quantized(isPerAxis: false, 0);
        model.Graph.Node[1].Name = "/a/MatMul";

        Assert.Equal(ProblemCode.WeightTypeUnsupported, Refused(model, "a", null));
    }

    [Fact]
    [Raises(ProblemCode.OutputFused)]
    public void Refuses_a_branch_at_a_node_that_computes_on()
    {
        var model = new TinyModel().Weight("a.weight", [2, 3]).Node("FusedGemm", "/a/Gemm", ["x", "a.weight", "y"], Int("transB", 1)).Model;
        model.Graph.Node[0].Domain = "com.microsoft";
        var resolver = new ModuleResolver(model, new GraphIndex(model), new MappingOptions { IsBranched = true });
        var problems = new List<Problem>();

        Assert.Null(resolver.Resolve(new ModuleName("a"), LayerKind.Linear, new TensorShape(2, 3), problems));
        Assert.Equal(ProblemCode.OutputFused, Assert.Single(problems).Code);
        Assert.Single(MergedForm.Convert(model, [Adapter("a")], new MappingOptions()).Sites);
    }

    private static TinyCheckpoint Two() => new(("a.weight", [2, 3], _first), ("b.weight", [2, 3], _second));

    private static WeightedAdapter Adapter(string module) => DenseDelta.Adapter(module, LayerKind.Linear, [2, 3], TinyCheckpoint.Random(3, 6));

    // 'a' behind a Gemm as PyTorch stores it, 'b' transposed behind a MatMul.
    private static OnnxModel Anonymous(DataType type)
    {
        var model = new TinyModel().Weight("1", [2, 3]).Weight("2", [3, 2])
            .Node("Gemm", "n", ["x", "1", "h"], Int("transB", 1)).Node("MatMul", "m", ["h", "2", "y"]).Model;
        model.Graph.Initializer[0] = Typed("1", type, [2, 3], _first);
        model.Graph.Initializer[1] = Typed("2", type, [3, 2], StoredWeight.Transpose(_second, 2, 3));
        return model;
    }

    private static Proto.TensorProto Typed(string name, DataType type, long[] dims, float[] values)
    {
        var element = OnnxTensor.TypeOf((int)type)!.Value;
        var bytes = new byte[values.Length * element.Bits() / 8];
        ElementCodec.Encode(element, values, bytes);
        return OnnxTensor.Create(name, type, dims, bytes);
    }

    private static OnnxModel Quantized(bool isPerAxis, int error)
    {
        const float Scale = 1f / 64;
        var codes = Array.ConvertAll(StoredWeight.Transpose(_first, 2, 3), value => (sbyte)Math.Round(value / Scale));
        codes[0] += (sbyte)(error * (codes[0] * Scale > _first[0] ? -1 : 1));
        var graph = new TinyGraph().Codes("q", DataType.Int8, [3, 2], codes);
        _ = isPerAxis ? graph.Floats("s", [2], Scale, Scale) : graph.Float("s", Scale);
        return graph.Node("DequantizeLinear", ["q", "s"], "w", TinyGraph.Integer("axis", 1)).Node("MatMul", ["x", "w"], "y").Build();
    }

    private static ProblemCode Refused(OnnxModel model, string module, TinyCheckpoint? file) => Assert.Single(
        Assert.Throws<LoraOpsException>(() => MergedForm.Convert(model, [Adapter(module)], new MappingOptions { Base = file?.Checkpoint })).Problems).Code;
}
