using System.Text.Json;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Problems;
using LoraOps.Testing;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.HandOff;

public sealed class EncodingsHandOffTests
{
    private static ChipProfile Qualcomm => HandedOff.Asking("x64-vnni", "encodings") with { RemovableActivations = [] };

    [Theory]
    [InlineData("bev-vit")]
    [InlineData("neck-cnn")]
    public void Every_activation_and_weight_has_its_codes(string name)
    {
        using var handed = new HandedOff(OnnxModel.Load(Fixtures.Path(name, "onnx", "torchscript", "model.onnx")), Qualcomm);
        using var document = JsonDocument.Parse(File.ReadAllText(handed["model.encodings.json"]));
        var (activations, parameters) = (
            document.RootElement.GetProperty("activation_encodings"), document.RootElement.GetProperty("param_encodings"));

        Assert.Equal("0.6.1", document.RootElement.GetProperty("version").GetString());
        foreach (var node in handed.Quantization.Nodes.Where(node => node.IsQuantized))
        {
            var activation = Assert.Single(activations.GetProperty(node.Activation).EnumerateArray());
            Check(activation, node.ActivationScale, -node.ActivationZeroPoint, 8, symmetric: node.ActivationZeroPoint == 128);
            var channels = parameters.GetProperty(node.Weight).EnumerateArray().ToArray();
            Assert.Equal(node.WeightScales.Count, channels.Length);
            foreach (var (channel, scale) in channels.Zip(node.WeightScales))
                Check(channel, scale, -128, 8, symmetric: true);
        }
    }

    [Fact]
    public void A_bias_has_32_bits_and_the_scale_of_the_products()
    {
        var model = new TinyGraph().Input("x", 1, 16).Output("y", 1, 8).Random("w", 16, 8).Random("b", 8)
            .Node("Gemm", ["x", "w", "b"], "y").Build();
        using var handed = new HandedOff(model, Qualcomm);
        var node = handed.Quantization.Nodes.Single();

        var bias = EncodingsFile.Read(handed["model.encodings.json"]).Find("b");

        Assert.NotNull(bias);
        Assert.Equal((32, true), (bias.Bits, bias.IsSymmetric));
        Assert.Equal(node.WeightScales.Select(scale => (double)(node.ActivationScale * scale)), bias.Scales);
        Assert.All(bias.Offsets, offset => Assert.Equal(int.MinValue, offset));
        Assert.All(bias.Scales.Zip(bias.Maxima), pair => Assert.Equal(pair.First * int.MaxValue, pair.Second, Math.Abs(pair.Second) * 1e-6));
    }

    [Fact]
    public void Both_schemas_say_the_same()
    {
        using var handed = new HandedOff(OnnxModel.Load(Fixtures.Path("neck-cnn", "onnx", "torchscript", "model.onnx")), Qualcomm);
        var (mapped, listed) = (EncodingsFile.Read(handed["model.encodings.json"]), EncodingsFile.Read(handed["model.encodings-1.0.0.json"]));
        using var document = JsonDocument.Parse(File.ReadAllText(handed["model.encodings-1.0.0.json"]));

        Assert.Equal(("0.6.1", "1.0.0"), (mapped.Version, listed.Version));
        foreach (var (one, other) in mapped.Activations.Zip(listed.Activations).Concat(mapped.Parameters.Zip(listed.Parameters)))
        {
            Assert.Equal((one.Tensor, one.Bits, one.IsSymmetric), (other.Tensor, other.Bits, other.IsSymmetric));
            Assert.Equal(one.Scales, other.Scales);
            Assert.Equal(one.Offsets, other.Offsets);
        }

        foreach (var item in document.RootElement.GetProperty("param_encodings").EnumerateArray())
            Assert.Equal(item.GetProperty("scale").GetArrayLength() > 1 ? "PER_CHANNEL" : "PER_TENSOR", item.GetProperty("enc_type").GetString());
    }

    [Fact]
    public void Sixteen_bits_and_halves_are_said()
    {
        var chip = Qualcomm with { Precisions = [LayerPrecision.Int8, LayerPrecision.Int16, LayerPrecision.Half] };
        using var folder = new TemporaryFolder();
        var (floats, quantized) = MixedModel.Make();
        HandOffs.Write(MixedModel.Request(chip, floats, quantized), folder.Path);

        var file = EncodingsFile.Read(folder["model.encodings.json"]);

        Assert.Equal((16, -32768L + 5, 0.001f), (file.Find("x")?.Bits, file.Find("x")?.Offsets[0], (float)(file.Find("x")?.Scales[0] ?? 0)));
        Assert.Equal((8, -128L), (file.Find("w")?.Bits, file.Find("w")?.Offsets[0]));
        Assert.Equal(-65L, file.Find("a")?.Offsets[0]);
        Assert.True(file.Find("u") is { IsFloat: true, Bits: 16 });
        Assert.True(file.Find("y") is { IsFloat: true, Bits: 16 });
        Assert.Equal(["node_y"], file.Excluded);
        var listed = EncodingsFile.Read(folder["model.encodings-1.0.0.json"]);
        Assert.True(listed.Find("u") is { IsFloat: true, Bits: 16 });
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"activation_encodings\": {}}")]
    [InlineData("{\"activation_encodings\": {\"x\": []}, \"param_encodings\": {}}")]
    [InlineData("{\"activation_encodings\": {\"x\": [{\"bitwidth\": 64}]}, \"param_encodings\": {}}")]
    [InlineData("""
        { "activation_encodings": {},
          "param_encodings": [{"name": "w", "bw": 8, "dtype": "INT", "is_sym": true, "scale": [1], "offset": []}] }
        """)]
    [InlineData("""
        { "activation_encodings": [{"name": "w", "bw": 16, "dtype": "FLOAT"}],
          "param_encodings": [{"name": "w", "bw": 16, "dtype": "FLOAT"}] }
        """)]
    [InlineData("nothing")]
    public void Refuses_what_is_no_encodings_file(string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["e"], text);

        Assert.Equal(
            ProblemCode.HandOffFileInvalid, Assert.Single(Assert.Throws<LoraOpsException>(() => EncodingsFile.Read(folder["e"])).Problems).Code);
    }

    private static void Check(JsonElement encoding, float scale, int offset, int bits, bool symmetric)
    {
        Assert.Equal(bits, encoding.GetProperty("bitwidth").GetInt32());
        Assert.Equal("int", encoding.GetProperty("dtype").GetString());
        Assert.Equal(symmetric ? "True" : "False", encoding.GetProperty("is_symmetric").GetString());
        Assert.Equal(offset, encoding.GetProperty("offset").GetInt32());
        Assert.Equal(scale, (float)encoding.GetProperty("scale").GetDouble());
        var (min, max) = ((double)scale * offset, (double)scale * (offset + (1 << bits) - 1));
        Assert.Equal(min, encoding.GetProperty("min").GetDouble(), Math.Abs(min) * 1e-6);
        Assert.Equal(max, encoding.GetProperty("max").GetDouble(), Math.Abs(max) * 1e-6);
    }
}
