using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Quantizing.Dynamic;
using LoraOps.Problems;
using static LoraOps.Onnx.Proto.TensorProto.Types;
using static LoraOps.Onnx.Tests.Quantizing.Quantized;

namespace LoraOps.Onnx.Tests.Quantizing.Dynamic;

public sealed class DynamicQuantizerTests
{
    [Fact]
    public void Layers_that_read_one_tensor_share_its_quantization()
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16).Random("v", 16, 16)
            .Node("MatMul", ["x", "w"], "a").Node("MatMul", ["x", "v"], "b").Node("Add", ["a", "b"], "y"));
        var result = DynamicQuantizer.Quantize(model, X64);

        Assert.Equal(1, Count(result, "DynamicQuantizeLinear"));
        Assert.Equal(2, Count(result, "MatMulInteger"));
        Assert.Equal(DataType.Int8, TypeOf(result, "w_quantized"));
        Assert.Equal(["a", "b"], Node(result, "y").Input);
        Assert.Equal("Mul", Node(result, "a").OpType);
    }

    [Fact]
    public void Scales_and_codes_are_those_of_each_column()
    {
        var result = DynamicQuantizer.Quantize(
            Ready(new TinyGraph().Floats("w", [2, 2], 1, -2, 0.5f, 0.25f).Node("MatMul", ["x", "w"], "a").Node("Relu", ["a"], "y")), X64);

        Assert.Equal([1 / 127f, 2 / 127f], Floats(result, "w_scale"));
        Assert.Equal([127, -127, 64, 16], Floats(result, "w_quantized"));
    }

    [Fact]
    public void A_transposed_Gemm_is_stored_as_a_product_with_its_factors_and_bias()
    {
        var model = Ready(new TinyGraph().Floats("w", [2, 2], 1, -2, 0.5f, 0.25f).Random("b", 2).Node(
            "Gemm", ["x", "w", "b"], "a", TinyGraph.Integer("transB", 1), TinyGraph.Real("alpha", 2)).Node("Relu", ["a"], "y"));
        var result = DynamicQuantizer.Quantize(model, X64);

        Assert.Equal([4 / 127f, 1 / 127f], Floats(result, "w_scale"));
        Assert.Equal([64, 127, -127, 64], Floats(result, "w_quantized"));
        Assert.Equal(("Add", "b"), (Node(result, "a").OpType, Node(result, "a").Input[1]));
    }

    [Fact]
    public void Seven_bits_where_the_chip_wants_them()
    {
        var chip = X64 with { Weights = X64.Weights with { ReducedRange = true } };
        var result = DynamicQuantizer.Quantize(
            Ready(new TinyGraph().Floats("w", [2, 2], 1, -2, 0.5f, 0.25f).Node("MatMul", ["x", "w"], "a").Node("Relu", ["a"], "y")), chip);

        Assert.Equal([64, -64, 32, 8], Floats(result, "w_quantized"));
    }

    [Fact]
    public void Convolutions_and_a_tiny_head_stay_float_with_their_reason()
    {
        var result = DynamicQuantizer.Quantize(
            Ready(new TinyGraph().Random("c", 16, 16, 1, 1).Random("w", 128, 128).Random("h", 16, 2)
                .Node("Conv", ["x", "c"], "a").Node("MatMul", ["a", "w"], "b").Node("MatMul", ["b", "h"], "y")), X64);

        Assert.Equal([false, true, false], result.Nodes.Select(node => node.IsQuantized));
        Assert.Contains("integer kernel", result.Nodes[0].Reason, StringComparison.Ordinal);
        Assert.Contains("the model's output", result.Nodes[2].Reason, StringComparison.Ordinal);
        Assert.Equal(2, result.Warnings.Count);
    }

    [Fact]
    public void A_layer_that_was_lifted_stays_float_and_chosen_codes_are_stored()
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16).Random("v", 16, 16)
            .Node("MatMul", ["x", "w"], "a").Node("MatMul", ["a", "v"], "b").Node("Relu", ["b"], "y"));
        var settings = new QuantizationSettings
        {
            Precisions = new Dictionary<string, LayerPrecision>(StringComparer.Ordinal) { ["node_b"] = LayerPrecision.Float },
            Codes = new Dictionary<string, sbyte[]>(StringComparer.Ordinal) { ["node_a"] = [.. Enumerable.Repeat((sbyte)-5, 256)] },
        };
        var result = DynamicQuantizer.Quantize(model, X64, settings);

        Assert.Equal("MatMul", Node(result, "b").OpType);
        Assert.All(Floats(result, "w_quantized"), code => Assert.Equal(-5, code));
        Assert.Equal(["node_a", "node_b"], DynamicQuantizer.WeightsOf(model, X64).Select(weight => weight.Node.Name));
    }

    [Fact]
    public void Another_chip_refuses_it_by_name() =>
        Assert.Equal(ProblemCode.SchemeUnsupported, Refused(() => DynamicQuantizer.Quantize(Layer(), Orin)).Single().Code);
}
