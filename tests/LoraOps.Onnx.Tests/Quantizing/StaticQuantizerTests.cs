using Google.Protobuf;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.Quantizing;

public sealed class StaticQuantizerTests
{
    // Names are kept so that tests can follow them.
    private static readonly ChipProfile X64 = ChipProfiles.Find("x64-vnni") with { Names = NamePolicy.Full };
    private static readonly ChipProfile Orin = ChipProfiles.Find("orin-x");
    private static readonly TensorRange Range = new(-1, 2);

    [Fact]
    public void Two_layers_that_read_one_tensor_share_its_pair()
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16).Random("v", 16, 16)
            .Node("MatMul", ["x", "w"], "a").Node("MatMul", ["x", "v"], "b").Node("Add", ["a", "b"], "y"));

        var result = Quantize(model, X64);

        Assert.Equal(["x"], StaticQuantizer.TensorsToCalibrate(model, X64));
        Assert.Equal(1, Count(result, "QuantizeLinear"));
        Assert.Equal(["x_dequantized", "w_dequantized"], Node(result, "a").Input);
        Assert.Equal(["x_dequantized", "v_dequantized"], Node(result, "b").Input);
        Assert.Equal(["a", "b"], Node(result, "y").Input);
        Assert.Equal(3 / 255f, Floats(result, "x_scale").Single());
        Assert.Equal(85, Floats(result, "x_zero_point").Single());
    }

    [Fact]
    public void Float_readers_keep_the_float_value()
    {
        var result = Quantize(Ready(new TinyGraph().Random("w", 16, 16)
            .Node("Relu", ["x"], "h").Node("MatMul", ["h", "w"], "a").Node("Add", ["a", "h"], "y")), Orin);

        Assert.Equal(["a", "h"], Node(result, "y").Input);
        Assert.Equal("h_dequantized", Node(result, "a").Input[0]);
    }

    [Fact]
    public void Weights_are_stored_as_int8_per_output_channel()
    {
        float[] values = [1, -2, 0.5f, 0.25f];
        var result = Quantize(Ready(new TinyGraph().Floats("w", [2, 2], values).Node("MatMul", ["x", "w"], "y")), X64);

        Assert.Equal([1 / 127f, 2 / 127f], Floats(result, "w_scale"));
        Assert.Equal([127, -127, 64, 16], Floats(result, "w_quantized"));
        Assert.Equal(DataType.Int8, TypeOf(result, "w_quantized"));
        Assert.Equal(1, Node(result, "w_dequantized").Integer("axis", -9));
        Assert.DoesNotContain(result.Model.Graph.Initializer, tensor => tensor.Name == "w");
    }

    [Fact]
    public void A_chip_may_want_one_scale_for_a_weight_and_seven_bits()
    {
        var chip = X64 with { Weights = X64.Weights with { PerChannel = false, ReducedRange = true } };
        var result = Quantize(Ready(new TinyGraph().Floats("w", [2, 2], 1, -2, 0.5f, 0.25f).Node("Gemm", ["x", "w"], "y")), chip);

        Assert.Equal([4 / 128f], Floats(result, "w_scale"));
        Assert.Equal([32, -64, 16, 8], Floats(result, "w_quantized"));
        Assert.Equal(-1, result.Nodes.Single().WeightAxis);
    }

    [Fact]
    public void TensorRT_gets_float_weights_with_a_pair_and_float_biases()
    {
        var result = Quantize(Ready(new TinyGraph().Random("w", 16, 16).Random("b", 16)
            .Node("Gemm", ["x", "w", "b"], "y", TinyGraph.Integer("transB", 1))), Orin);

        var quantizer = Node(result, "w_quantized");
        Assert.Equal("w", quantizer.Input[0]);
        Assert.Equal(0, quantizer.Integer("axis", -9));
        Assert.Equal(["x_dequantized", "w_dequantized", "b"], Node(result, "y").Input);
        Assert.Equal([0], Floats(result, "x_zero_point"));
        Assert.Equal(2 / 127f, Floats(result, "x_scale").Single());
        Assert.Equal(DataType.Int8, TypeOf(result, "x_zero_point"));
    }

    [Fact]
    public void A_bias_becomes_int32_of_both_scales()
    {
        var result = Quantize(Ready(new TinyGraph().Floats("w", [2, 2], 1, -2, 0.5f, 0.25f).Floats("b", [2], 1, -2)
            .Node("Gemm", ["x", "w", "b"], "y")), X64);

        Assert.Equal([3 / 255f * (1 / 127f), 3 / 255f * (2 / 127f)], Floats(result, "b_scale"));
        Assert.Equal([10795, -10795], Floats(result, "b_quantized"));
        Assert.Equal(DataType.Int32, TypeOf(result, "b_quantized"));
        Assert.Equal("b_dequantized", Node(result, "y").Input[2]);
    }

    [Fact]
    public void A_bias_that_would_not_fit_raises_the_scale_of_its_channel_before_the_weight_is_coded()
    {
        var result = Quantize(Ready(new TinyGraph().Floats("w", [2, 2], 1e-9f, 1, 1e-9f, 1).Floats("b", [2], 1000, 0)
            .Node("Gemm", ["x", "w", "b"], "y")), X64);

        Assert.InRange(Floats(result, "w_scale")[0], 3.9e-5f, 4.1e-5f);
        Assert.Equal([0, 127, 0, 127], Floats(result, "w_quantized"));
        Assert.InRange(Floats(result, "b_quantized")[0], 2.147e9f, int.MaxValue);
    }

    [Fact]
    public void Alpha_and_beta_are_multiplied_in()
    {
        TinyGraph Graph() => new TinyGraph().Floats("w", [2, 2], 1, -2, 0.5f, 0.25f).Floats("b", [1, 1], 0.5f)
            .Node("Gemm", ["x", "w", "b"], "y", TinyGraph.Real("alpha", 2), TinyGraph.Real("beta", 3));
        var x64 = Quantize(Ready(Graph()), X64);
        var orin = Quantize(Ready(Graph()), Orin with { MinChannels = 1 });

        Assert.Equal([2 / 127f, 4 / 127f], Floats(x64, "w_scale"));
        Assert.Equal([127, -127, 64, 16], Floats(x64, "w_quantized"));
        Assert.Empty(Node(x64, "y").Attribute);
        var (codes, scales) = (Floats(x64, "b_quantized"), Floats(x64, "b_scale"));
        Assert.Equal([1.5f, 1.5f], codes.Zip(scales, (code, scale) => code * scale), (a, b) => Math.Abs(a - b) < 1e-3);

        // TensorRT's bias stays float, and so does beta.
        Assert.Equal([2, -4, 1, 0.5f], Floats(orin, "w_scaled"));
        Assert.Equal(3, Node(orin, "y").Float("beta", 1));
        Assert.Equal(1, Node(orin, "y").Float("alpha", 1));
    }

    [Fact]
    public void A_convolution_has_its_output_quantized_and_loses_the_relu_behind()
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16, 3, 3).Random("b", 16)
            .Node("Conv", ["x", "w", "b"], "c").Node("Relu", ["c"], "r").Node("GlobalAveragePool", ["r"], "y"));
        var result = Quantize(model, X64);

        Assert.Equal(["x", "r"], StaticQuantizer.TensorsToCalibrate(model, X64));
        Assert.Equal(0, Count(result, "Relu"));
        Assert.Equal("r_float", Node(result, "r_float").Output[0]);
        Assert.Equal("r_float", Node(result, "r_quantized").Input[0]);
        Assert.Equal("DequantizeLinear", Node(result, "r").OpType);
        Assert.Equal(1, Count(Quantize(model, Orin), "Relu"));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(-1, 1)]
    public void A_clip_goes_only_if_it_clips_at_zero(float min, int left)
    {
        var result = Quantize(Ready(new TinyGraph().Random("w", 16, 16, 1, 1).Float("min", min).Float("max", 6)
            .Node("Conv", ["x", "w"], "c").Node("Clip", ["c", "min", "max"], "y")), X64);

        Assert.Equal(left, Count(result, "Clip"));
    }

    [Fact]
    public void A_relu_stays_if_others_read_the_value_before_it()
    {
        var result = Quantize(Ready(new TinyGraph().Random("w", 16, 16, 1, 1)
            .Node("Conv", ["x", "w"], "c").Node("Relu", ["c"], "r").Node("Add", ["c", "r"], "y")), X64);

        Assert.Equal(1, Count(result, "Relu"));
        Assert.Equal("DequantizeLinear", Node(result, "c").OpType);
    }

    [Fact]
    public void A_quantized_output_of_the_graph_keeps_its_name()
    {
        var result = Quantize(Ready(new TinyGraph().Random("w", 16, 16, 1, 1).Node("Conv", ["x", "w"], "y")), X64);

        Assert.Equal("DequantizeLinear", Node(result, "y").OpType);
        Assert.Equal("y", result.Model.Graph.Output.Single().Name);
    }

    [Fact]
    public void What_only_moves_values_has_the_scale_of_what_goes_in()
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16, 1, 1).Random("v", 16, 16)
            .Node("Conv", ["x", "w"], "c").Node("MaxPool", ["c"], "p").Node("Flatten", ["p"], "f").Node("MatMul", ["f", "v"], "y"));

        Assert.Equal(["x", "c"], StaticQuantizer.TensorsToCalibrate(model, X64));
        var ranges = new Dictionary<string, TensorRange> { ["x"] = Range, ["c"] = new(-3, 4) };
        var result = StaticQuantizer.Quantize(model, X64, ranges);
        Assert.Equal(["f", "c_scale", "c_zero_point"], Node(result, "f_quantized").Input);
        Assert.Equal(7 / 255f, Floats(result, "c_scale").Single());
    }

    [Fact]
    public void A_weight_that_two_layers_share_is_stored_once()
    {
        var result = Quantize(Ready(new TinyGraph().Random("w", 16, 16)
            .Node("MatMul", ["x", "w"], "a").Node("MatMul", ["a", "w"], "b")
            .Node("Gemm", ["b", "w"], "y", TinyGraph.Integer("transB", 1))), X64);

        Assert.Equal("w_dequantized", Node(result, "a").Input[1]);
        Assert.Equal("w_dequantized", Node(result, "b").Input[1]);

        // Other output channels: another layout.
        Assert.Equal("w_dequantized_1", Node(result, "y").Input[1]);
    }

    [Theory]
    [MemberData(nameof(FloatLayers))]
    public void A_layer_that_cannot_be_quantized_stays_float_and_says_why(TinyGraph layer, string chip, string reason)
    {
        var result = Quantize(Ready(layer.Random("good", 16, 16).Node("MatMul", ["x", "good"], "y")), ChipProfiles.Find(chip));

        var node = result.Nodes.Single(node => node.Node == "node_f");
        Assert.Equal(reason, node.Reason);
        Assert.False(node.IsQuantized);
        Assert.Contains(result.Warnings, warning => warning == $"node_f ({node.Op}) stays float: {reason}");
        Assert.True(result.Nodes.Single(node => node.Node == "node_y").IsQuantized);
    }

    public static TheoryData<TinyGraph, string, string> FloatLayers => new()
    {
        { new TinyGraph().Random("w", 16, 10).Node("MatMul", ["x", "w"], "f"), "orin-x", "its K or N are 10, below 16" },
        { new TinyGraph().Random("w", 16, 1).Node("MatMul", ["x", "w"], "f"), "orin-x", "it multiplies with a vector" },
        { new TinyGraph().Random("w", 8, 4, 3, 3).Node("Relu", ["x"], "h").Node("Conv", ["h", "w"], "f"), "orin-x", "its channels are 4, below 16" },
        { new TinyGraph().Random("w", 2, 16, 16).Node("MatMul", ["x", "w"], "f"), "x64-vnni", "its weight has dimensions [2, 16, 16]" },
        { new TinyGraph().Random("w", 16, 16).Node("MatMul", ["w", "x"], "f"), "x64-vnni", "its constant is the left operand" },
        { new TinyGraph().Random("w", 16, 16, 1, 1).Node("ConvTranspose", ["x", "w"], "f"), "x64-vnni", "x64-vnni runs ConvTranspose in float" },
        { new TinyGraph().Random("w", 16, 16).Random("v", 16, 16).Node("MatMul", ["w", "v"], "f"), "x64-vnni", "both of its operands are constant; fold constants first" },
        { new TinyGraph().Random("w", 16, 16).Node("Gemm", ["x", "w"], "f", TinyGraph.Integer("transA", 1)), "x64-vnni", "its activation is transposed" },
        { new TinyGraph().Random("w", 16, 16).Node("Gemm", ["x", "w", "x"], "f"), "x64-vnni", "its bias is no constant row; fold constants first" },
        { new TinyGraph().Random("w", 16, 16).Random("b", 4, 16).Node("Gemm", ["x", "w", "b"], "f"), "x64-vnni", "its bias is no constant row; fold constants first" },
        { new TinyGraph().Random("w", 16, 16).Node("Transpose", ["w"], "t").Node("MatMul", ["x", "t"], "f"), "x64-vnni", "its weight is computed in the graph; fold constants first" },
        { new TinyGraph().Codes("w", DataType.Float16, [16, 16], new Half[256]).Node("MatMul", ["x", "w"], "f"), "x64-vnni", "its weight is F16, not F32" },
    };

    [Theory]
    [InlineData(8, 8, 1)]
    [InlineData(16, 1, 16)]
    public void Small_convolutions_with_good_shapes_are_quantized(long outputs, long inputs, long groups)
    {
        var result = Quantize(Ready(new TinyGraph().Random("w", outputs, inputs, 3, 3)
            .Node("Relu", ["x"], "h").Node("Conv", ["h", "w"], "y", TinyGraph.Integer("group", groups))), Orin);

        Assert.True(result.Nodes.Single().IsQuantized);
    }

    [Fact]
    public void Products_of_two_activations_are_no_layers()
    {
        var result = Quantize(Ready(new TinyGraph().Random("w", 16, 16)
            .Node("MatMul", ["x", "w"], "a").Node("MatMul", ["a", "x"], "y")), X64);

        Assert.Equal("node_a", result.Nodes.Single().Node);
        Assert.Equal(["a", "x"], Node(result, "y").Input);
    }

    [Fact]
    public void Layers_inside_a_subgraph_stay_float_and_are_named()
    {
        var inner = new GraphProto { Name = "then" };
        inner.Node.Add(new NodeProto { OpType = "MatMul", Name = "inner", Input = { "x", "w" }, Output = { "then_y" } });
        inner.Output.Add(new ValueInfoProto { Name = "then_y" });
        var result = Quantize(Ready(new TinyGraph().Random("w", 16, 16).Node("MatMul", ["x", "w"], "a")
            .Node("If", ["a"], "y", new AttributeProto { Name = "then_branch", G = inner, Type = AttributeProto.Types.AttributeType.Graph })), X64);

        Assert.Contains("inner stays float: it is inside a subgraph or function", result.Warnings);
        Assert.Contains(result.Model.Graph.Initializer, tensor => tensor.Name == "w");
    }

    [Fact]
    public void Constants_beyond_FP16_are_clamped_for_TensorRT()
    {
        TinyGraph Graph() => new TinyGraph().Random("w", 16, 16).Floats("mask", [3], float.MinValue, 1, float.NegativeInfinity)
            .Node("MatMul", ["x", "w"], "a").Node("Add", ["a", "mask"], "y");
        var orin = Quantize(Ready(Graph()), Orin);

        Assert.Equal([-65504, 1, float.NegativeInfinity], Floats(orin, "mask"));
        Assert.Contains("constant 'mask' is clamped to ±65504, the range of FP16", orin.Warnings);
        Assert.Equal([float.MinValue, 1, float.NegativeInfinity], Floats(Quantize(Ready(Graph()), X64), "mask"));
    }

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

    private static OnnxModel Layer() => Ready(new TinyGraph().Random("w", 16, 16).Node("MatMul", ["x", "w"], "y"));

    private static OnnxModel Ready(TinyGraph graph) => graph.Input("x", 1, 16).Output("y", 1, 16).Build();

    private static Quantization Quantize(OnnxModel model, ChipProfile chip) => StaticQuantizer.Quantize(model, chip, Ranges(model, chip));

    private static Dictionary<string, TensorRange> Ranges(OnnxModel model, ChipProfile chip) =>
        StaticQuantizer.TensorsToCalibrate(model, chip).ToDictionary(tensor => tensor, _ => Range);

    private static NodeProto Node(Quantization result, string output) => result.Model.Graph.Node.Single(node => node.Output.Contains(output));

    private static int Count(Quantization result, string op) => result.Model.Graph.Node.Count(node => node.OpType == op);

    private static float[] Floats(Quantization result, string name) => result.Model.Read(Stored(result, name)).ToFloats();

    private static DataType TypeOf(Quantization result, string name) => (DataType)Stored(result, name).DataType;

    private static TensorProto Stored(Quantization result, string name) => result.Model.Graph.Initializer.Single(tensor => tensor.Name == name);

    private static bool IsDequantized(Quantization result, string value) =>
        result.Model.Graph.Node.Any(node => node.OpType == "DequantizeLinear" && node.Output[0] == value);

    private static (ProblemCode Code, string What)[] Refused(Func<object> action) =>
        [.. Assert.Throws<LoraOpsException>(action).Problems.Select(problem => (problem.Code, problem.What))];
}
