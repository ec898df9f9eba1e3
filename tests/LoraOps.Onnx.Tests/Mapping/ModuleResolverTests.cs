using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Tests.Forms;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;
using LoraOps.Testing;
using LoraOps.Writers.Safetensors;
using static LoraOps.Onnx.Tests.TinyModel;

namespace LoraOps.Onnx.Tests.Mapping;

public sealed class ModuleResolverTests : IDisposable
{
    private static readonly long[] Square = [2, 2];
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Names_near_misses_of_a_module_that_is_not_there()
    {
        var model = Gemm("layers.0.q_proj");

        var problem = Refused(model, "layers.0.q_prj");

        Assert.Equal(ProblemCode.ModuleUnmapped, problem.Code);
        Assert.Contains("nearest: 'layers.0.q_proj'", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Finds_a_module_whose_outer_scope_the_export_dropped() => Assert.Equal(
        "layers.0.q_proj.weight", Assert.Single(Convert(Gemm("layers.0.q_proj"), "base.layers.0.q_proj").Sites).Initializer);

    [Fact]
    public void Refuses_a_suffix_that_several_modules_share()
    {
        var model = new TinyModel()
            .Weight("a.fc.weight", Square).Node("Gemm", "/a/fc/Gemm", ["x", "a.fc.weight", "y"])
            .Weight("b.fc.weight", Square).Node("Gemm", "/b/fc/Gemm", ["y", "b.fc.weight", "z"]).Model;

        Assert.Equal(ProblemCode.ModuleAmbiguous, Refused(model, "fc").Code);
    }

    [Fact]
    public void Believes_metadata_more_than_a_name()
    {
        var model = new TinyModel().Weight("head.weight", Square)
            .Node("MatMul", "node_1", ["x", "head.weight", "y"]).Scope("other").Model;

        var problem = Refused(model, "head");

        Assert.Equal(ProblemCode.ModuleUnmapped, problem.Code);
        Assert.Contains("records as 'other'", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Anchors_a_nameless_MatMul_on_its_bias()
    {
        var model = new TinyModel().Weight("w", Square).Weight("fc.bias", [2])
            .Node("MatMul", "MatMul_7", ["x", "w", "h"]).Node("Add", "Add_8", ["h", "fc.bias", "y"]).Model;

        Assert.Equal([EvidenceTier.BiasAnchor], Assert.Single(Convert(model, "fc").Sites).Evidence);
    }

    [Fact]
    public void Finds_every_call_of_a_layer_that_the_exporter_stored_twice()
    {
        var model = new TinyModel().Weight("val_1", Square).Weight("val_2", Square)
            .Node("MatMul", "n1", ["x", "val_1", "h"]).Scope("fc").Node("MatMul", "n2", ["h", "val_2", "y"]).Scope("fc").Model;

        Assert.Equal(["val_1", "val_2"], Convert(model, "fc").Sites.Select(site => site.Initializer));
    }

    [Fact]
    public void Reports_the_same_node_for_two_modules()
    {
        var model = Gemm("fc");
        var adapters = new[] { Adapter("fc"), Adapter("x.fc") };

        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(model, adapters, new MappingOptions()));

        Assert.Equal(ProblemCode.NodeClaimedTwice, Assert.Single(refusal.Problems).Code);
    }

    [Fact]
    public void Refuses_another_shape() => Assert.Equal(ProblemCode.SiteShapeDiffers, Refused(
        new TinyModel().Weight("fc.weight", [3, 2]).Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "y"]).Model, "fc").Code);

    [Fact]
    public void Refuses_a_weight_that_is_stored_in_a_type_that_it_cannot_change()
    {
        var model = Gemm("fc");
        model.Graph.Initializer[0] = OnnxTensor.Create(
            "fc.weight", LoraOps.Onnx.Proto.TensorProto.Types.DataType.Double, Square, new byte[32]);

        Assert.Equal(ProblemCode.WeightTypeUnsupported, Refused(model, "fc").Code);
    }

    [Fact]
    public void Refuses_a_delta_that_overflows_half_precision()
    {
        var model = Gemm("fc");
        model.Graph.Initializer[0] = OnnxTensor.Create(
            "fc.weight", LoraOps.Onnx.Proto.TensorProto.Types.DataType.Float16, Square, new byte[8]);

        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(
            model, [DenseDelta.Adapter("fc", LayerKind.Linear, Square, [1, 1, 1, 65520])], new MappingOptions()));

        Assert.Equal(ProblemCode.ResultNotFinite, Assert.Single(refusal.Problems).Code);
    }

    [Theory]
    [InlineData("onnx::Conv_1", "conv.bias", null, 1, ProblemCode.WeightRewritten)]
    [InlineData("conv.weight", "conv.weight_bias", null, 1, ProblemCode.WeightRewritten)]
    [InlineData("conv.weight", "conv.bias", "bn", 1, ProblemCode.WeightRewritten)]
    [InlineData("conv.weight", "conv.bias", "conv", 2, ProblemCode.ConvolutionGrouped)]
    public void Refuses_a_convolution_that_is_not_the_modules_own(string weight, string bias, string? scope, int groups, ProblemCode code)
    {
        var tiny = new TinyModel().Weight(weight, [2, 2, 1, 1]).Weight(bias, [2])
            .Node("Conv", "/conv/Conv", ["x", weight, bias, "y"], Int("group", groups));
        if (scope is not null)
            tiny.Scope(scope);

        var adapter = DenseDelta.Adapter("conv", LayerKind.Convolution, [2, 2, 1, 1], [1, 2, 3, 4]);
        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(tiny.Model, [adapter], new MappingOptions()));

        Assert.Equal(code, Assert.Single(refusal.Problems).Code);
    }

    [Fact]
    public void Follows_the_users_map_and_says_so()
    {
        File.WriteAllText(_folder["map.json"], """{"fc": "Mystery_9"}""");
        var model = new TinyModel().Weight("w", Square).Node("MatMul", "Mystery_9", ["x", "w", "y"]).Model;
        var options = new MappingOptions { Map = ModuleMap.Load(_folder["map.json"]) };

        var site = Assert.Single(MergedForm.Convert(model, [Adapter("fc")], options).Sites);

        Assert.Equal([EvidenceTier.Map], site.Evidence);
    }

    [Fact]
    public void Refuses_a_map_to_what_is_not_there()
    {
        File.WriteAllText(_folder["map.json"], """{"fc": "nothing"}""");

        Assert.Equal(ProblemCode.MapInvalid, RefusedWith("map.json"));
    }

    [Theory]
    [InlineData("""{"at": "w", "rows": [2, 2]}""", null)]
    [InlineData("""[{"at": "w", "rows": [2, 1], "part": [0, 1]}, {"at": "n", "rows": [0, 1], "part": [1, 1]}]""", null)]
    [InlineData("""{"at": "w", "rows": [3, 2]}""", ProblemCode.MapInvalid)]
    [InlineData("""{"at": "w", "rows": [0, 1], "part": [2, 1]}""", ProblemCode.MapInvalid)]
    [InlineData("""{"at": "w", "rows": [0, 1], "part": [0, 1]}""", ProblemCode.SiteShapeDiffers)]
    [InlineData("""[{"at": "w", "rows": [0, 1], "part": [0, 1]}, {"at": "w", "rows": [1, 1], "part": [0, 1]}]""", ProblemCode.SiteShapeDiffers)]
    [InlineData("""{"at": "w"}""", ProblemCode.SiteShapeDiffers)]
    public void Follows_a_map_into_a_packed_weight(string target, ProblemCode? code)
    {
        File.WriteAllText(_folder["map.json"], $"{{\"fc\": {target}}}");
        var model = new TinyModel().Weight("w", [4, 2]).Node("Gemm", "n", ["x", "w", "y"], Int("transB", 1)).Model;
        var options = new MappingOptions { Map = ModuleMap.Load(_folder["map.json"]) };

        if (code is null)
            Assert.All(MergedForm.Convert(model, [Adapter("fc")], options).Sites, site => Assert.NotNull(site.Rows));
        else
            Assert.Equal(code, Assert.Single(Assert.Throws<LoraOpsException>(() => MergedForm.Convert(model, [Adapter("fc")], options)).Problems).Code);
    }

    private ProblemCode RefusedWith(string map) => Assert.Single(Assert.Throws<LoraOpsException>(() => MergedForm.Convert(
        Gemm("fc"), [Adapter("fc")], new MappingOptions { Map = ModuleMap.Load(_folder[map]) })).Problems).Code;

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"a\": 1}")]
    [InlineData("{\"a\": []}")]
    [InlineData("{\"a\": {\"rows\": [0, 1]}}")]
    [InlineData("{\"a\": {\"at\": \"x\", \"row\": [0, 1]}}")]
    [InlineData("{\"a\": {\"at\": \"x\", \"rows\": [0, 0]}}")]
    [InlineData("{\"a\": {\"at\": \"x\", \"rows\": [-1, 1]}}")]
    [InlineData("{\"a\": {\"at\": \"x\", \"rows\": [0, 1.5]}}")]
    [InlineData("{\"a\": \"x\", \"a\": \"y\"}")]
    [InlineData("{")]
    public void Refuses_a_map_that_is_no_object_of_strings(string text)
    {
        File.WriteAllText(_folder["map.json"], text);

        Assert.Equal(ProblemCode.MapInvalid, Assert.Throws<LoraOpsException>(() => ModuleMap.Load(_folder["map.json"])).Problems[0].Code);
    }

    [Theory]
    [InlineData("fc.weight", .1f, false, null)]
    [InlineData("fc.weight", .1f, true, null)]
    [InlineData("outer.fc.weight", .1f, false, null)]
    [InlineData("fc.weight", .2f, false, ProblemCode.BaseDiffers)]
    [InlineData("tied", .1f, false, null)]
    [InlineData("tied", .2f, false, ProblemCode.BaseDiffers)]
    public void Compares_each_site_with_the_base(string name, float first, bool isFlipped, ProblemCode? code)
    {
        float[] values = isFlipped ? [first, .3f, .2f, .4f] : [first, .2f, .3f, .4f];
        SafetensorsWriter.Write(_folder["base.safetensors"], [BufferTensor.FromFloats(name, ElementType.F32, new TensorShape(Square), values)]);
        using var checkpoint = Checkpoint.Open(_folder["base.safetensors"]);
        var options = new MappingOptions { Base = checkpoint };

        if (code is null)
            Assert.True(Assert.Single(MergedForm.Convert(Gemm("fc"), [Adapter("fc")], options).Sites).IsVerified);
        else
            Assert.Equal(code, Assert.Single(Assert.Throws<LoraOpsException>(() => MergedForm.Convert(Gemm("fc"), [Adapter("fc")], options)).Problems).Code);
    }

    [Fact]
    public void Refuses_two_adapters_that_replace_the_same_parameter()
    {
        var twice = new[] { DenseDelta.Replacing("fc", "weight", Square, 1, 2, 3, 4), DenseDelta.Replacing("fc", "weight", Square, 1, 2, 3, 4) };

        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(Gemm("fc"), twice, new MappingOptions()));

        Assert.Equal(ProblemCode.ReplacedTwice, Assert.Single(refusal.Problems).Code);
    }

    [Theory]
    [InlineData("fc", "bias", 2)]
    [InlineData("norm", "weight", 3)]
    public void Refuses_a_replacement_that_the_graph_has_no_place_for(string module, string parameter, int length)
    {
        var model = new TinyModel().Weight("fc.weight", Square).Weight("norm.weight", [2])
            .Node("Gemm", "/fc/Gemm", ["x", "fc.weight", "h"]).Node("Mul", "/norm/Mul", ["h", "norm.weight", "y"]).Model;
        var adapter = DenseDelta.Replacing(module, parameter, [length], new float[length]);

        var refusal = Assert.Throws<LoraOpsException>(() => MergedForm.Convert(model, [adapter], new MappingOptions()));

        Assert.Equal(ProblemCode.ParameterUnmapped, Assert.Single(refusal.Problems).Code);
    }

    private static OnnxModel Gemm(string module) => new TinyModel().Weight($"{module}.weight", Square)
        .Node("Gemm", $"/{module.Replace('.', '/')}/Gemm", ["x", $"{module}.weight", "y"], Int("transB", 1)).Model;

    private static WeightedAdapter Adapter(string module) => DenseDelta.Adapter(module, LayerKind.Linear, Square, [1, 2, 3, 4]);

    private static Conversion Convert(OnnxModel model, string module) => MergedForm.Convert(model, [Adapter(module)], new MappingOptions());

    private static Problem Refused(OnnxModel model, string module) =>
        Assert.Single(Assert.Throws<LoraOpsException>(() => Convert(model, module)).Problems);
}
