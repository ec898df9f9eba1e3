using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using static LoraOps.Onnx.Proto.TensorProto.Types;
using static LoraOps.Onnx.Tests.Quantizing.Quantized;

namespace LoraOps.Onnx.Tests.Quantizing;

/// <summary>Nodes that are computed in something else than the chip's cheapest precision.</summary>
public sealed class PrecisionTests
{
    private static ChipProfile Wide { get; } = X64 with
    {
        Precisions = [LayerPrecision.Int8, LayerPrecision.Int16, LayerPrecision.Float],
        Rules = new Dictionary<string, Severity>(),
    };

    // As the HTP wants it: whatever is computed with is quantized, inputs, constants and outputs.
    private static ChipProfile Everywhere { get; } = Wide with
    {
        OutputOps = ["Conv", "MatMul", "Gemm"],
        RemovableActivations = [],
        QuantizedOps = ["Add", "MatMul", "Softmax", "Transpose", "Concat"],
        FixedRanges = new SortedDictionary<string, FixedRange>(StringComparer.Ordinal) { ["Softmax"] = new FixedRange(0, 1) },
    };

    [Theory]
    [InlineData(17, "com.microsoft")]
    [InlineData(21, "")]
    public void Sixteen_bits_are_standard_from_opset_21_and_the_runtimes_own_before(int opset, string domain)
    {
        var model = Ready(new TinyGraph(opset).Random("w", 16, 16).Node("MatMul", ["x", "w"], "y"));

        var result = Lifted(model, Wide, LayerPrecision.Int16, "node_y");

        var quantizer = Node(result, "x_quantized");
        Assert.Equal(domain, quantizer.Domain);
        Assert.Equal(domain, Node(result, "x_dequantized").Domain);
        Assert.Equal(domain.Length > 0, result.Model.Opset("com.microsoft") == 1);
        Assert.Equal(DataType.Uint16, TypeOf(result, "x_zero_point"));
        Assert.Equal(3 / 65535f, Floats(result, "x_scale").Single());
        Assert.Equal(21845, Floats(result, "x_zero_point").Single());
        Assert.Equal(DataType.Int8, TypeOf(result, "w_quantized"));
        Assert.Equal(LayerPrecision.Int16, result.Nodes.Single().Precision);
    }

    [Theory]
    [InlineData(LayerPrecision.Half, "fp16")]
    [InlineData(LayerPrecision.Float, "float")]
    public void A_lifted_layer_reads_what_it_read_before(LayerPrecision precision, string name)
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16).Random("v", 16, 16).Node("MatMul", ["x", "w"], "h").Node("MatMul", ["h", "v"], "y"));

        var result = Lifted(model, X64, precision, "node_y");

        Assert.Equal(["h", "v"], Node(result, "y").Input);
        Assert.Equal($"it was lifted to {name}", result.Nodes[1].Reason);
        Assert.True(result.Nodes[0].IsQuantized);
    }

    [Fact]
    public void A_model_may_be_lifted_as_a_whole()
    {
        var result = Lifted(Layer(), X64, LayerPrecision.Float, "node_y");

        Assert.Equal(0, Count(result, "QuantizeLinear"));
        Assert.Equal(["x", "w"], Node(result, "y").Input);
    }

    [Fact]
    public void A_tensor_that_layers_read_in_two_precisions_has_two_pairs()
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16).Random("v", 16, 16)
            .Node("MatMul", ["x", "w"], "a").Node("MatMul", ["x", "v"], "b").Node("Add", ["a", "b"], "y"));

        var result = Lifted(model, Wide, LayerPrecision.Int16, "node_b");

        var (a, b) = (Node(result, Node(result, "a").Input[0]), Node(result, Node(result, "b").Input[0]));
        Assert.Equal(DataType.Uint8, TypeOf(result, a.Input[2]));
        Assert.Equal(DataType.Uint16, TypeOf(result, b.Input[2]));
        Assert.Equal("x", Node(result, a.Input[0]).Input[0]);
        Assert.Equal("x", Node(result, b.Input[0]).Input[0]);
    }

    [Fact]
    public void An_output_has_the_widest_precision_of_its_readers_and_the_others_narrow_it()
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16).Random("v", 16, 16).Random("u", 16, 16)
            .Node("MatMul", ["x", "w"], "h").Node("MatMul", ["h", "v"], "a").Node("MatMul", ["h", "u"], "b").Node("Add", ["a", "b"], "y"));

        var result = Lifted(model, Everywhere, LayerPrecision.Int16, "node_b");

        var wide = Node(result, "h");
        Assert.Equal(DataType.Uint16, TypeOf(result, wide.Input[2]));
        Assert.Equal("h", Node(result, "b_float").Input[0]);
        var narrow = Node(result, Node(result, "a_float").Input[0]);
        Assert.Equal(DataType.Uint8, TypeOf(result, narrow.Input[2]));
        Assert.Equal("h", Node(result, narrow.Input[0]).Input[0]);
    }

    [Fact]
    public void Further_operators_read_and_give_quantized_values()
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16).Random("c", 16)
            .Node("MatMul", ["x", "w"], "h").Node("Add", ["h", "c"], "s").Node("Softmax", ["s"], "y"));

        var result = Quantize(model, Everywhere);

        Assert.Equal(["node_s", "node_y"], result.Operators.Select(one => one.Node));
        Assert.All(Node(result, "s_float").Input, input => Assert.True(IsDequantized(result, input), input));
        Assert.Equal("s", Node(result, "y_float").Input[0]);
        Assert.True(IsDequantized(result, "y"));
        Assert.Equal(1 / 256f, Floats(result, "y_scale").Single());
        Assert.Equal(0, Floats(result, "y_zero_point").Single());
        Assert.DoesNotContain("y", StaticQuantizer.TensorsToCalibrate(model, Everywhere));
        var (scale, zero) = (Floats(result, "c_scale").Single(), Floats(result, "c_zero_point").Single());
        var stored = Floats(result, "c_quantized");
        Assert.All(model.Read(model.Graph.Initializer[1]).ToFloats().Zip(stored), pair =>
            Assert.Equal(pair.First, (pair.Second - zero) * scale, scale / 2 * 1.0001));
    }

    [Fact]
    public void What_only_moves_values_has_one_scale_and_follows_those_that_compute()
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16).Node("MatMul", ["x", "w"], "h").Node("Transpose", ["h"], "t")
            .Node("MatMul", ["h", "t"], "p").Node("MatMul", ["p", "h"], "y"));

        var eight = Quantize(model, Everywhere);
        var wide = Lifted(model, Everywhere, LayerPrecision.Int16, "node_p");

        Assert.Equal(Node(eight, "h").Input.Skip(1), Node(eight, "t").Input.Skip(1));
        Assert.DoesNotContain("t", StaticQuantizer.TensorsToCalibrate(model, Everywhere));
        Assert.DoesNotContain("node_t", StaticQuantizer.QuantizedNodes(model, Everywhere));
        Assert.Equal(DataType.Uint16, TypeOf(wide, Node(wide, "h").Input[2]));
        Assert.Equal(Node(wide, "h").Input.Skip(1), Node(wide, "t").Input.Skip(1));
        var none = StaticQuantizer.Quantize(model, Everywhere, Ranges(model, Everywhere), new QuantizationSettings
        {
            Precisions = StaticQuantizer.QuantizedNodes(model, Everywhere).ToDictionary(node => node, _ => LayerPrecision.Float),
        });
        Assert.Equal(0, Count(none, "QuantizeLinear"));
    }

    [Fact]
    public void Indices_and_conditions_are_no_activations()
    {
        var chip = Everywhere with { QuantizedOps = ["Where", "Greater", "Cast", "ArgMax", "TopK"] };
        var model = Ready(new TinyGraph().Random("w", 16, 16).Float("zero", 0).Node("MatMul", ["x", "w"], "h")
            .Node("Greater", ["h", "zero"], "is").Node("Where", ["is", "h", "zero"], "y"));

        var result = Quantize(model, chip);

        Assert.Equal("is", Node(result, "y_float").Input[0]);
        Assert.False(IsDequantized(result, "is"));
    }

    [Fact]
    public void A_weight_has_one_scale_where_the_operator_gets_no_more()
    {
        var chip = X64 with { Weights = X64.Weights with { PerChannelOps = ["Conv"] } };

        Assert.Single(Floats(Quantize(Layer(), chip), "w_scale"));
        Assert.Equal(16, Floats(Quantize(Layer(), X64), "w_scale").Length);
    }

    [Fact]
    public void Chosen_codes_are_stored_as_they_are()
    {
        var model = Ready(new TinyGraph().Floats("w", [2, 2], 1, -2, 0.5f, 0.25f).Node("MatMul", ["x", "w"], "y"));
        var weight = Assert.Single(StaticQuantizer.WeightsOf(model, X64, Ranges(model, X64)));
        Assert.Equal([1 / 127f, 2 / 127f], weight.Scales);

        var result = StaticQuantizer.Quantize(model, X64, Ranges(model, X64), new QuantizationSettings
        {
            Codes = new Dictionary<string, sbyte[]> { ["node_y"] = [126, -127, 63, 15] },
        });

        Assert.Equal([126, -127, 63, 15], Floats(result, "w_quantized"));
    }

    private static Quantization Lifted(OnnxModel model, ChipProfile chip, LayerPrecision precision, params string[] nodes) =>
        StaticQuantizer.Quantize(model, chip, Ranges(model, chip), new QuantizationSettings
        {
            Precisions = nodes.ToDictionary(node => node, _ => precision),
        });
}
