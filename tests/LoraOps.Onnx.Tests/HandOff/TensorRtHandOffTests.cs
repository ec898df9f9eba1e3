using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.HandOff;

public sealed class TensorRtHandOffTests
{
    private static readonly string[] _integers = ["Shape", "Size", "ArgMax", "NonZero"];

    [Theory]
    [InlineData("bev-vit", "torchscript")]
    [InlineData("bev-vit", "dynamo")]
    [InlineData("neck-cnn", "torchscript")]
    public void The_cache_has_a_line_for_every_float_activation(string name, string exporter)
    {
        var model = OnnxModel.Load(Fixtures.Path(name, "onnx", exporter, "model.onnx"));
        using var handed = new HandedOff(model, HandedOff.Asking("orin-x", "tensorrt-cache"));
        var lines = File.ReadAllLines(handed["model.calib.cache"]);

        Assert.Equal("TRT-100700-EntropyCalibration2", lines[0]);
        var words = lines[1..].ToDictionary(line => line[..line.LastIndexOf(": ", StringComparison.Ordinal)], line => line[^8..]);
        Assert.Equal(words.Keys.Order(), HandOffs.TensorsWanted(model, handed.Chip).Order());
        foreach (var (tensor, word) in words)
        {
            var range = handed.Ranges[tensor];
            var bits = uint.Parse(word, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            var expected = Math.Max(-(double)range.Min, range.Max) / 127;
            Assert.Equal(expected, BitConverter.UInt32BitsToSingle(bits), expected * 1e-7);
        }

        // What the quantizer calibrates is among them, and so is all that a layer makes; what counts is not.
        Assert.Subset(words.Keys.ToHashSet(), handed.Quantization.Nodes.Select(node => node.Activation).ToHashSet());
        Assert.All(model.Graph.Node.Where(node => node.Is("MatMul", "Conv", "Gemm", "Softmax", "Add", "Relu")
            && !node.Output[0].Contains("hape", StringComparison.Ordinal)), node => Assert.Contains(node.Output[0], words.Keys));
        Assert.All(model.Graph.Node.Where(node => node.Is(_integers)), node => Assert.DoesNotContain(node.Output[0], words.Keys));
    }

    [Fact]
    public void Types_that_no_tool_wrote_down_are_found()
    {
        var model = new TinyGraph().Input("x", 1, 4).Output("y", 1, 4).Random("w", 4, 4)
            .Node("Shape", ["x"], "shape")
            .Node("Cast", ["shape"], "wide", TinyGraph.Integer("to", 1))
            .Node("Greater", ["x", "wide"], "mask")
            .Node("Cast", ["mask"], "counted", TinyGraph.Integer("to", 7))
            .Node("Where", ["mask", "x", "wide"], "kept")
            .Node("Reshape", ["kept", "shape"], "shaped")
            .Node("MatMul", ["shaped", "w"], "y").Build();

        Assert.Equal(["x", "wide", "kept", "shaped", "y"], ActivationTensors.Of(model));
    }

    [Fact]
    public void Layers_that_stay_half_are_told_to_the_compiler()
    {
        var model = OnnxModel.Load(Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"));
        var chip = HandedOff.Asking("orin-x", "tensorrt-cache") with
        {
            Compile = ["trtexec --onnx={float} --calib={cache} {trtShapes} {layerPrecisions} # end"],
        };
        using var handed = new HandedOff(model, chip);

        var command = Assert.Single(handed.Commands);
        Assert.StartsWith("trtexec --onnx=model.float.onnx --calib=model.calib.cache --minShapes=", command, StringComparison.Ordinal);
        Assert.Contains(" --precisionConstraints=obey --layerPrecisions=", command, StringComparison.Ordinal);
        Assert.Contains("/classifier/Gemm:fp16", command, StringComparison.Ordinal);
        Assert.DoesNotContain("/vit/encoder/layer.0/output/dense/MatMul:fp16", command, StringComparison.Ordinal);
        Assert.EndsWith(" # end", command, StringComparison.Ordinal);
        Assert.DoesNotContain('{', command);
    }

    [Fact]
    [Raises(ProblemCode.HandOffNameUnusable)]
    public void Refuses_a_name_that_a_line_cannot_hold()
    {
        var model = new TinyGraph().Input("x\ny", 1, 16).Output("z", 1, 16).Random("w", 16, 16).Node("MatMul", ["x\ny", "w"], "z").Build();

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(
            () => new HandedOff(model, HandedOff.Asking("orin-x", "tensorrt-cache"))).Problems);
        Assert.Equal(ProblemCode.HandOffNameUnusable, problem.Code);
    }
}
