using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;
using static LoraOps.Onnx.Tests.Quantizing.Quantized;

namespace LoraOps.Onnx.Tests.Quantizing;

public sealed class WeightedNodesTests
{
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
        {
            new TinyGraph().Random("w", 8, 4, 3, 3).Node("Relu", ["x"], "h").Node("Conv", ["h", "w"], "f"),
            "orin-x", "its channels are 4, below 16"
        },
        { new TinyGraph().Random("w", 2, 16, 16).Node("MatMul", ["x", "w"], "f"), "x64-vnni", "its weight has dimensions [2, 16, 16]" },
        { new TinyGraph().Random("w", 16, 16).Node("MatMul", ["w", "x"], "f"), "x64-vnni", "its constant is the left operand" },
        {
            new TinyGraph().Random("w", 16, 16, 1, 1).Node("ConvTranspose", ["x", "w"], "f"),
            "x64-vnni", "x64-vnni runs ConvTranspose in float"
        },
        {
            new TinyGraph().Random("w", 16, 16).Random("v", 16, 16).Node("MatMul", ["w", "v"], "f"),
            "x64-vnni", "both of its operands are constant; fold constants first"
        },
        {
            new TinyGraph().Random("w", 16, 16).Node("Gemm", ["x", "w"], "f", TinyGraph.Integer("transA", 1)),
            "x64-vnni", "its activation is transposed"
        },
        {
            new TinyGraph().Random("w", 16, 16).Node("Gemm", ["x", "w", "x"], "f"),
            "x64-vnni", "its bias is no constant row; fold constants first"
        },
        {
            new TinyGraph().Random("w", 16, 16).Random("b", 4, 16).Node("Gemm", ["x", "w", "b"], "f"),
            "x64-vnni", "its bias is no constant row; fold constants first"
        },
        {
            new TinyGraph().Random("w", 16, 16).Node("Transpose", ["w"], "t").Node("MatMul", ["x", "t"], "f"),
            "x64-vnni", "its weight is computed in the graph; fold constants first"
        },
        {
            new TinyGraph().Codes("w", DataType.Float16, [16, 16], new Half[256]).Node("MatMul", ["x", "w"], "f"),
            "x64-vnni", "its weight is F16, not F32"
        },
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
}
