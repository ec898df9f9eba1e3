using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using LoraOps.Onnx.Quantizing.WeightOnly;
using LoraOps.Problems;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;
using static LoraOps.Onnx.Tests.Quantizing.Quantized;

namespace LoraOps.Onnx.Tests.Quantizing.WeightOnly;

public sealed class WeightOnlyQuantizerTests
{
    [Theory]
    [InlineData(4, false)]
    [InlineData(4, true)]
    [InlineData(8, false)]
    [InlineData(8, true)]
    public void MatMulNBits_has_its_blocks_and_nibbles_where_the_format_says(int bits, bool isAsymmetric)
    {
        // K = 40 is two blocks and a half of 16.
        var result = WeightOnlyQuantizer.Quantize(Model(40, 6), X64, new WeightOnlySettings { Bits = bits, BlockSize = 16, IsAsymmetric = isAsymmetric });
        var node = Node(result, "y");

        Assert.Equal(("MatMulNBits", "com.microsoft"), (node.OpType, node.Domain));
        Assert.Equal((40, 6, bits, 16), (node.Integer("K", 0), node.Integer("N", 0), node.Integer("bits", 0), node.Integer("block_size", 0)));
        var codes = Stored(result, node.Input[1]);
        Assert.Equal([6, 3, 16 * bits / 8], codes.Dims);
        Assert.Equal(1, result.Model.Opset("com.microsoft"));
        var scales = Floats(result, node.Input[2]);
        Assert.Equal(18, scales.Length);
        var bytes = codes.RawData.ToByteArray();
        var zeros = isAsymmetric ? Stored(result, node.Input[3]).RawData.ToByteArray() : null;
        Assert.Equal(isAsymmetric ? 6 * (bits == 4 ? 2 : 3) : 0, zeros?.Length ?? 0);
        var weight = Weight(40, 6);
        for (var n = 0; n < 6; n++)
        {
            for (var k = 0; k < 48; k++)
            {
                var block = k / 16;
                var zero = zeros is null ? 1 << (bits - 1) : Code(zeros, n * (bits == 4 ? 2 : 3), block, bits);
                var value = (Code(bytes, ((n * 3) + block) * 16 * bits / 8, k % 16, bits) - zero) * scales[(n * 3) + block];
                var real = k < 40 ? weight[(k * 6) + n] : 0;
                Assert.InRange(Math.Abs(value - real), 0, k < 40 ? Math.Abs(scales[(n * 3) + block]) * 1.05f : 0);
            }
        }
    }

    [Theory]
    [InlineData(4, false, DataType.Int4)]
    [InlineData(4, true, DataType.Uint4)]
    [InlineData(8, false, DataType.Int8)]
    [InlineData(8, true, DataType.Uint8)]
    public void Blocks_of_DequantizeLinear_lie_along_the_inputs(int bits, bool isAsymmetric, DataType type)
    {
        var settings = new WeightOnlySettings { Bits = bits, BlockSize = 16, IsAsymmetric = isAsymmetric, Format = WeightFormat.Qdq };
        var result = WeightOnlyQuantizer.Quantize(Model(40, 6), X64, settings);
        var node = result.Model.Graph.Node.Single(node => node.Is("DequantizeLinear"));

        Assert.Equal((21, 10), (result.Model.Opset(), result.Model.Proto.IrVersion));
        Assert.Equal((0, 16), (node.Integer("axis", -9), node.Integer("block_size", 0)));
        Assert.Equal(type, TypeOf(result, node.Input[0]));
        Assert.Equal([40, 6], Stored(result, node.Input[0]).Dims);
        Assert.Equal([3, 6], Stored(result, node.Input[1]).Dims);
        var bytes = Stored(result, node.Input[0]).RawData.ToByteArray();
        var (scales, weight) = (Floats(result, node.Input[1]), Weight(40, 6));
        for (var i = 0; i < weight.Length; i++)
        {
            var at = (i / 6 / 16 * 6) + (i % 6);
            var zero = isAsymmetric ? Code(Stored(result, node.Input[2]).RawData.ToByteArray(), 0, at, bits) : 0;
            var code = Code(bytes, 0, i, bits);
            var signed = isAsymmetric || code < 1 << (bits - 1) ? code : code - (1 << bits);
            Assert.True(scales[at] > 0);
            Assert.InRange(Math.Abs(((signed - zero) * scales[at]) - weight[i]), 0, scales[at] * 1.05f);
        }
    }

    [Fact]
    public void A_channel_has_one_scale_and_convolutions_take_part()
    {
        var model = Ready(new TinyGraph().Random("c", 16, 16, 1, 1).Random("w", 16, 8).Node("Conv", ["x", "c"], "a")
            .Node("Gemm", ["a", "w"], "y", TinyGraph.Integer("transB", 0)));
        var result = WeightOnlyQuantizer.Quantize(model, X64, new WeightOnlySettings { BlockSize = 0 });

        Assert.Equal(["Conv", "Gemm"], result.Nodes.Where(node => node.IsQuantized).Select(node => node.Op));
        Assert.Equal([0, 1], result.Model.Graph.Node.Where(node => node.Is("DequantizeLinear")).Select(node => node.Integer("axis", -9)));
        Assert.Equal([16, 8], result.Nodes.Select(node => node.WeightScales.Count));
    }

    [Fact]
    public void Gemm_becomes_a_product_and_a_sum()
    {
        var model = Ready(new TinyGraph().Random("w", 8, 16).Random("b", 8).Node(
            "Gemm", ["x", "w", "b"], "y", TinyGraph.Integer("transB", 1), TinyGraph.Real("alpha", 2), TinyGraph.Real("beta", 3)));
        var result = WeightOnlyQuantizer.Quantize(model, X64, new WeightOnlySettings { Bits = 8, BlockSize = 16 });

        Assert.Equal(["MatMulNBits", "Mul", "Add"], result.Model.Graph.Node.Select(node => node.OpType));
        Assert.Equal("y", result.Model.Graph.Node[^1].Output[0]);
        var scales = result.Nodes.Single().WeightScales;
        Assert.InRange(scales.Max(Math.Abs), 2 * 0.9f / 128, 2 * 1.01f / 127);
    }

    [Fact]
    public void Two_layers_share_a_stored_weight_and_somebody_may_choose_codes()
    {
        var model = Ready(new TinyGraph().Random("w", 16, 16).Node("MatMul", ["x", "w"], "a").Node("MatMul", ["a", "w"], "y"));
        var shared = WeightOnlyQuantizer.Quantize(model, X64, new WeightOnlySettings { BlockSize = 16 });
        var chosen = WeightOnlyQuantizer.Quantize(model, X64, new WeightOnlySettings
        {
            BlockSize = 16,
            ChooseCodes = (layer, weight) => layer.Name == "node_a" ? [.. weight.Codes.Select(_ => (byte)200)] : null,
        });

        Assert.Equal(Node(shared, "a").Input[1], Node(shared, "y").Input[1]);
        Assert.All(Stored(chosen, Node(chosen, "a").Input[1]).RawData.ToByteArray(), code => Assert.Equal(200, code));
        Assert.Equal(Stored(shared, Node(shared, "a").Input[1]).RawData, Stored(chosen, Node(chosen, "y").Input[1]).RawData);
        Assert.DoesNotContain(shared.Model.Graph.Initializer, tensor => tensor.Name == "w");
    }

    [Fact]
    [Raises(ProblemCode.SchemeUnsupported)]
    public void A_chip_refuses_what_its_profile_does_not_list()
    {
        var (code, what) = Refused(() => WeightOnlyQuantizer.Quantize(Model(16, 16), Orin, new WeightOnlySettings { Bits = 4 })).Single();

        Assert.Equal(ProblemCode.SchemeUnsupported, code);
        Assert.Equal("orin-x does not run the scheme weights-4-nbits, it runs static", what);
        Assert.Equal(ExitCode.ChipRefuses, code.ExitCode());
    }

    [Fact]
    public void A_weight_that_is_no_number_is_refused()
    {
        var model = Ready(new TinyGraph().Floats("w", [16, 1], [float.NaN, .. new float[15]]).Node("MatMul", ["x", "w"], "y"));

        Assert.Equal(ProblemCode.WeightNotFinite, Refused(() => WeightOnlyQuantizer.Quantize(model, X64, new WeightOnlySettings())).Single().Code);
    }

    [Fact]
    public void Blocks_that_do_not_fill_the_inputs_are_told()
    {
        var result = WeightOnlyQuantizer.Quantize(Model(40, 6), X64, new WeightOnlySettings { BlockSize = 32 });

        Assert.Contains(result.Findings, finding => finding.RuleId == "CPU-06" && finding.What.Contains("K = 40", StringComparison.Ordinal));
    }

    private static OnnxModel Model(long k, long n) =>
        new TinyGraph().Input("x", 1, k).Output("y", 1, n).Random("w", k, n).Node("MatMul", ["x", "w"], "y").Build();

    private static float[] Weight(long k, long n)
    {
        var model = Model(k, n);
        return model.Read(model.Graph.Initializer.Single()).ToFloats();
    }

    private static int Code(byte[] bytes, int start, int index, int bits) =>
        bits == 8 ? bytes[start + index] : (bytes[start + (index / 2)] >> (index % 2 * 4)) & 15;
}
