using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using static LoraOps.Onnx.Proto.TensorProto.Types;
using static LoraOps.Onnx.Tests.Quantizing.Quantized;

namespace LoraOps.Onnx.Tests.Quantizing;

public sealed class StaticQuantizerTests
{
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
    public void A_weight_that_two_layers_take_with_opposite_signs_is_stored_twice()
    {
        var result = Quantize(Ready(new TinyGraph().Floats("w", [2, 2], 1, -2, 0.5f, 0.25f).Node("Gemm", ["x", "w"], "a")
            .Node("Gemm", ["x", "w"], "b", TinyGraph.Real("alpha", -1)).Node("Add", ["a", "b"], "y")), X64);

        Assert.Equal([127, -127, 64, 16], Floats(result, Node(result, Node(result, "a").Input[1]).Input[0]));
        Assert.Equal([-127, 127, -64, -16], Floats(result, Node(result, Node(result, "b").Input[1]).Input[0]));
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
        var ranges = new Dictionary<string, TensorRange> { ["x"] = Usual, ["c"] = new(-3, 4) };
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
}
