using Google.Protobuf;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Testing;
using static LoraOps.Onnx.Tests.Quantizing.Quantized;

namespace LoraOps.Onnx.Tests.Quantizing;

public sealed class QuantizationTests
{
    [Fact]
    public void The_same_model_gives_the_same_bytes_and_is_not_changed()
    {
        var path = Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx");
        var model = OnnxModel.Load(path);
        foreach (var chip in ChipProfiles.All)
        {
            var ranges = Ranges(model, chip);
            var first = StaticQuantizer.Quantize(model, chip, ranges).Model.Proto.ToByteArray();
            var second = StaticQuantizer.Quantize(OnnxModel.Load(path), chip, ranges).Model.Proto.ToByteArray();

            Assert.Equal(first, second);
        }

        Assert.Equal(File.ReadAllBytes(path), model.Proto.ToByteArray());
    }

    [Theory]
    [InlineData("bev-vit", "torchscript", 26)]
    [InlineData("bev-vit", "dynamo", 26)]
    [InlineData("neck-cnn", "torchscript", 8)]
    [InlineData("voice-gpt2", "torchscript", 13)]
    [InlineData("planner-llama", "torchscript", 22)]
    public void Every_layer_of_a_real_model_is_quantized_for_the_CPU(string name, string exporter, int layers)
    {
        var model = OnnxModel.Load(Fixtures.Path(name, "onnx", exporter, "model.onnx"));
        var chip = ChipProfiles.Find("x64-vnni");
        var result = StaticQuantizer.Quantize(model, chip, Ranges(model, chip));

        Assert.Equal(layers, result.Nodes.Count(node => node.IsQuantized));
        Assert.Equal(layers, result.Model.Graph.Node.Count(node => node.Is("Conv", "MatMul", "Gemm") && IsDequantized(result, node.Input[1])));
        Assert.DoesNotContain(result.Findings, finding => finding.Severity == Severity.Error);
    }

    [Fact]
    public void Every_layer_that_is_large_enough_is_quantized_for_TensorRT()
    {
        var model = OnnxModel.Load(Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"));
        var result = StaticQuantizer.Quantize(model, Orin, Ranges(model, Orin));

        Assert.Equal("/classifier/Gemm", result.Nodes.Single(node => !node.IsQuantized).Node);
        Assert.Equal(["TRT-09"], result.Findings.Select(finding => finding.RuleId).Distinct());
    }

    [Fact]
    public void The_model_of_a_city_is_a_third_as_large()
    {
        var path = Fixtures.Path("bev-vit", "onnx", "dynamo", "model.onnx");
        var model = OnnxModel.Load(path);
        var chip = ChipProfiles.Find("x64-vnni");

        Assert.InRange(
            StaticQuantizer.Quantize(model, chip, Ranges(model, chip)).Model.Proto.CalculateSize(), 1, 0.3 * new FileInfo(path).Length);
    }

    [Fact]
    [Raises(ProblemCode.RangeMissing)]
    public void Refuses_ranges_that_do_not_name_every_tensor() => Assert.Equal(
        [(ProblemCode.RangeMissing, "tensor 'x' has no calibrated range")],
        Refused(() => StaticQuantizer.Quantize(Layer(), X64, new Dictionary<string, TensorRange>())));

    [Theory]
    [Raises(ProblemCode.RangeInvalid)]
    [InlineData(float.NaN, 1)]
    [InlineData(0, float.PositiveInfinity)]
    public void Refuses_a_range_that_is_not_finite(float min, float max) => Assert.Equal(
        ProblemCode.RangeInvalid,
        Refused(() => StaticQuantizer.Quantize(Layer(), X64, new Dictionary<string, TensorRange> { ["x"] = new(min, max) }))[0].Code);

    [Fact]
    public void Refuses_a_weight_that_is_not_finite() => Assert.Equal(
        [(ProblemCode.WeightNotFinite, "weight 'w' holds a NaN or an infinity")],
        Refused(() => Quantize(Ready(new TinyGraph().Floats("w", [1, 2], 1, float.NaN).Node("MatMul", ["x", "w"], "y")), X64)));

    [Fact]
    public void Refuses_an_old_opset() => Assert.Equal(
        ProblemCode.OpsetTooOld, Refused(() => StaticQuantizer.TensorsToCalibrate(Ready(new TinyGraph(opset: 12)), X64))[0].Code);

    [Fact]
    public void Refuses_a_model_that_is_quantized_already() => Assert.Equal(
        ProblemCode.AlreadyQuantized, Refused(() => StaticQuantizer.TensorsToCalibrate(Quantize(Layer(), X64).Model, X64))[0].Code);

    [Fact]
    public void Refuses_a_model_without_layers() => Assert.Equal(
        ProblemCode.NothingToQuantize, Refused(() => StaticQuantizer.TensorsToCalibrate(Ready(new TinyGraph().Node("Relu", ["x"], "y")), X64))[0].Code);

    [Fact]
    public void Refuses_a_model_whose_layers_all_stay_float_and_says_why() => Assert.Contains(
        "node_y: its K or N are 2, below 16",
        Refused(() => StaticQuantizer.TensorsToCalibrate(Ready(new TinyGraph().Random("w", 2, 2).Node("MatMul", ["x", "w"], "y")), Orin))[0].What,
        StringComparison.Ordinal);
}
