using System.Text.Json;
using System.Text.RegularExpressions;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.HandOff;

public sealed partial class AmctHandOffTests
{
    private static ChipProfile Ascend => HandedOff.Asking("x64-vnni", "amct") with
    {
        Activations = new ActivationScheme(ActivationType.Int8, Symmetric: false, MinRealRange: 0),
        RemovableActivations = [], OutputOps = [], Bias = BiasPolicy.Float,
    };

    [Fact]
    public void The_record_has_the_factors_of_every_layer()
    {
        var chip = Ascend with { WeightedOps = ["Conv"] };
        using var handed = new HandedOff(OnnxModel.Load(Fixtures.Path("neck-cnn", "onnx", "torchscript", "model.onnx")), chip);
        var record = AmctRecord.Read(handed["model.amct-record.txt"]);

        Assert.Equal(
            handed.Quantization.Nodes.Where(node => node.IsQuantized).Select(node => node.Node), record.Layers.Select(layer => layer.Layer));
        foreach (var layer in record.Layers)
        {
            var node = handed.Quantization.Nodes.Single(node => node.Node == layer.Layer);
            var range = handed.Ranges[node.Activation];

            // The vendor's formula: scale = (max − min) / 255, offset = −128 − min / scale.
            var scale = ((double)range.Max - range.Min) / 255;
            Assert.Equal(scale, layer.DataScale, scale * 1e-6);
            Assert.Equal((int)Math.Round(-128 - (range.Min / scale), MidpointRounding.ToEven), layer.DataOffset);
            Assert.Equal(Magnitudes(handed.Model, node.Weight).Select(magnitude => magnitude / 127), layer.WeightScales);
            Assert.All(layer.WeightOffsets, offset => Assert.Equal(0, offset));
        }
    }

    [Fact]
    public void The_record_is_protobuf_text_as_the_vendor_writes_it()
    {
        using var handed = new HandedOff(Layer("MatMul"), Ascend with { Weights = Ascend.Weights with { PerChannel = false } });
        var text = File.ReadAllText(handed["model.amct-record.txt"]);

        Assert.Matches(Record(), text);
    }

    [Fact]
    public void An_unsigned_zero_point_is_written_in_the_signed_domain()
    {
        var chip = Ascend with
        {
            Activations = new ActivationScheme(ActivationType.Uint8, false, 0), Weights = Ascend.Weights with { PerChannel = false },
        };
        using var handed = new HandedOff(Layer("MatMul"), chip);

        Assert.Equal(
            handed.Quantization.Nodes[0].ActivationZeroPoint - 128, AmctRecord.Read(handed["model.amct-record.txt"]).Layers[0].DataOffset);
    }

    [Fact]
    public void The_configuration_switches_float_layers_off()
    {
        var chip = Ascend with { WeightedOps = ["Conv"] };
        using var handed = new HandedOff(OnnxModel.Load(Fixtures.Path("neck-cnn", "onnx", "torchscript", "model.onnx")), chip);
        using var document = JsonDocument.Parse(File.ReadAllText(handed["model.amct-config.json"]));
        var root = document.RootElement;

        Assert.Equal(1, root.GetProperty("version").GetInt32());
        Assert.True(root.GetProperty("activation_offset").GetBoolean());
        Assert.False(root.GetProperty("do_fusion").GetBoolean());
        Assert.Empty(root.GetProperty("skip_fusion_layers").EnumerateArray());
        foreach (var node in handed.Quantization.Nodes)
        {
            var layer = root.GetProperty(node.Node);
            Assert.Equal(node.IsQuantized, layer.GetProperty("quant_enable").GetBoolean());
            Assert.Equal(node.IsQuantized, layer.TryGetProperty("weight_quant_params", out var weight));
            if (node.IsQuantized)
                Assert.Equal(node.WeightScales.Count > 1, weight.GetProperty("channel_wise").GetBoolean());
        }

        Assert.Contains(AmctConfig.Read(handed["model.amct-config.json"]).Layers, layer => !layer.IsQuantized);
        Assert.Contains("switched off", File.ReadAllText(handed["model.compile.md"]), StringComparison.Ordinal);
    }

    [Fact]
    [Raises(ProblemCode.HandOffScaleUnfit)]
    public void Refuses_a_scale_per_channel_of_a_product()
    {
        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => new HandedOff(Layer("MatMul"), Ascend)).Problems);

        Assert.Equal(ProblemCode.HandOffScaleUnfit, problem.Code);
        Assert.Contains("has 16 weight scales", problem.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_and_numbers_survive_the_text()
    {
        using var folder = new TemporaryFolder();
        var record = new AmctRecord([new("a \"quoted\" \\ näme\n\u007f", 1.17549435e-38f, -128, [3.4e38f, 0.1f], [0, 0])]);
        File.WriteAllText(folder["r"], "# made by hand\n" + record.Render() + "prune_record { producer { name: 'x' } }".Replace('\'', '"'));

        var layer = Assert.Single(AmctRecord.Read(folder["r"]).Layers);
        Assert.Equal(record.Layers[0].Layer, layer.Layer);
        Assert.Equal((1.17549435e-38f, -128), (layer.DataScale, layer.DataOffset));
        Assert.Equal([3.4e38f, 0.1f], layer.WeightScales);
    }

    [Theory]
    [InlineData("record { key: \"a\" }", "a 'record' has not exactly one 'value'")]
    [InlineData("record { key: \"a\" value { scale_d: nan offset_d: 0 } }", "'scale_d' is 'nan', which is no finite number")]
    [InlineData("record { key: \"a\" value { scale_d: 1 offset_d: 0 scale_w: 1 } }", "layer 'a' has 1 scale_w and 0 offset_w")]
    [InlineData("record { key: \"a", "character 16 should be a closing quote")]
    [InlineData("a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{a{", "its messages lie more than 16 deep")]
    [InlineData("record", "character 6 should be ':' or '{'")]
    public void Refuses_what_is_no_record(string text, string what)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["r"], text);

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => AmctRecord.Read(folder["r"])).Problems);
        Assert.Equal((ProblemCode.HandOffFileInvalid, $"is no AMCT record: {what}"), (problem.Code, problem.What));
    }

    internal static OnnxModel Layer(string op) =>
        new TinyGraph().Input("x", 1, 16).Output("y", 1, 16).Random("w", 16, 16).Node(op, ["x", "w"], "y").Build();

    [GeneratedRegex(
        """^record \{\n  key: "node_y"\n  value \{\n    scale_d: [0-9.E+-]+\n    offset_d: -?\d+\n"""
        + """    scale_w: [0-9.E+-]+\n    offset_w: 0\n  \}\n\}\n$""")]
    private static partial Regex Record();

    private static IEnumerable<float> Magnitudes(OnnxModel model, string weight)
    {
        var tensor = model.Graph.Initializer.Single(tensor => tensor.Name == weight);
        var values = model.Read(tensor).ToFloats();
        var row = values.Length / (int)tensor.Dims[0];
        return values.Chunk(row).Select(channel => channel.Max(Math.Abs));
    }
}
