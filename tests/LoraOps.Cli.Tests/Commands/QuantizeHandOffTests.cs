using System.Text.Json.Nodes;
using LoraOps.Bundles;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

/// <summary>What 'quantize' writes beside the model for chips whose compilers take more.</summary>
public sealed class QuantizeHandOffTests : IDisposable
{
    private const string Node = "/vit/layers.1/mlp/fc1/MatMul";

    private static readonly string[] _files =
    [
        "model.amct-config.json", "model.amct-record.txt", "model.calib.cache", "model.calibration", "model.compile.md",
        "model.encodings-1.0.0.json", "model.encodings.json", "model.float.onnx", "model.horizon.yaml", "model.onnx", "model.quant-config.json",
    ];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_new_folder_holds_the_model_and_what_goes_with_it()
    {
        var answer = Quantize(Profile(), "out");

        Assert.Equal(_files, Entries("out"));
        Assert.Equal(_files.Order(), answer["handOff"]!.AsArray().Select(file => (string?)file!["file"]).Append("model.onnx").Order());
        var commands = CompilePage.CommandsOf(_folder["out/model.compile.md"]);
        Assert.Equal(answer["compile"]!.AsArray().Select(line => (string?)line), commands);
        Assert.Contains("atc --model=model.float.onnx --soc_version=Ascend310P3 --input_shape=pixel_values:1,1,8,8", commands);
        Assert.DoesNotContain(commands, line => line.Contains('{', StringComparison.Ordinal));

        // Every file speaks of the float model that lies there, and symmetric codes are the same in each.
        var floats = OnnxModel.Load(_folder["out/model.float.onnx"]);
        var names = floats.Graph.Node.Select(node => node.Name).ToHashSet();
        var cache = TensorRtCache.Read(_folder["out/model.calib.cache"]).Scales.ToDictionary(line => line.Tensor, line => line.Scale);
        var encodings = EncodingsFile.Read(_folder["out/model.encodings.json"]);
        var record = AmctRecord.Read(_folder["out/model.amct-record.txt"]).Layers.ToDictionary(layer => layer.Layer);
        Assert.Equal(25, record.Count);
        Assert.All(record.Keys, name => Assert.Contains(name, names));
        Assert.All(AmctConfig.Read(_folder["out/model.amct-config.json"]).Layers, layer => Assert.Equal(layer.IsQuantized, record.ContainsKey(layer.Layer)));
        foreach (var node in floats.Graph.Node.Where(node => record.ContainsKey(node.Name)))
        {
            var layer = record[node.Name];
            Assert.Equal((double)layer.DataScale, encodings.Find(node.Input[0])?.Scales[0]);
            Assert.Equal((double)layer.WeightScales[0], encodings.Find(node.Input[1])?.Scales[0]);
            Assert.Equal(0, layer.DataOffset);

            // A Reshape in front shares its input's codes, and what it moves has the same range.
            Assert.Equal(layer.DataScale, cache[node.Input[0]], 1e-6f * layer.DataScale);
        }
    }

    [Fact]
    public void A_model_file_gets_its_companions_under_its_name()
    {
        Directory.CreateDirectory(_folder["out"]);
        File.WriteAllText(_folder["out/city.amct-config.json"], "mine");
        var refused = Loraops.Run(Arguments(Profile(), "out/city.onnx")).Ended(2);
        Assert.Contains("city.amct-config.json: the output already exists", refused.Error, StringComparison.Ordinal);
        Assert.Equal(["city.amct-config.json"], Entries("out"));
        Assert.Equal("mine", File.ReadAllText(_folder["out/city.amct-config.json"]));

        Quantize(Profile(), "out/city.onnx", "--overwrite");

        Assert.Equal(_files.Select(file => file.Replace("model.", "city.", StringComparison.Ordinal)), Entries("out"));
        Assert.Equal("city.float.onnx", HorizonYaml.Read(_folder["out/city.horizon.yaml"]).Find("model_parameters", "onnx_model"));
        Quantize(Profile(), "out/city.onnx", "--overwrite");
        Assert.Equal(11, Entries("out").Length);
    }

    [Fact]
    public void The_files_can_be_left_out()
    {
        var answer = Quantize(Profile(), "out", "--no-hand-off");

        Assert.Equal(["model.onnx"], Entries("out"));
        Assert.Null(answer["handOff"]);
    }

    [Fact]
    public void A_bundle_takes_the_files_and_the_commands_with_them()
    {
        Quantize(Profile(), "out");
        Loraops.Run("bundle", "create", _folder["out"], "--chip", _folder["chip.json"], "-o", _folder["bundle"]).Ended(0);

        var manifest = BundleVerifier.Read(_folder["bundle"]);
        Assert.Empty(BundleVerifier.Verify(_folder["bundle"]));
        Assert.Equal(CompilePage.CommandsOf(_folder["out/model.compile.md"]), manifest.Compile);
        Assert.Contains(manifest.Files, file => file.Path == "model.calibration/pixel_values/00000.npy");
    }

    [Theory]
    [InlineData("model.calib.cache", "TensorRT calibration cache")]
    [InlineData("model.amct-record.txt", "AMCT record")]
    [InlineData("model.encodings.json", "encodings")]
    [InlineData("model.encodings-1.0.0.json", "encodings")]
    [InlineData("model.quant-config.json", "Horizon quant_config")]
    [InlineData("model.horizon.yaml", "Horizon configuration")]
    public void Inspect_says_what_is_in_a_file(string file, string kind)
    {
        Quantize(Profile(), "out");

        Assert.Equal(kind, Loraops.RunJson("inspect", _folder["out/" + file]).GetProperty("kind").GetString());
    }

    [Theory]
    [InlineData("int16", "int16", 16, false)]
    [InlineData("fp16", "float16", 16, true)]
    public void A_layer_that_was_lifted_is_so_in_every_file(string precision, string horizon, int bits, bool isFloat)
    {
        Quantize(Profile(), "out", "--lift", $"{Node}={precision}");

        var floats = OnnxModel.Load(_folder["out/model.float.onnx"]).Graph.Node.Single(node => node.Name == Node);
        Assert.Equal(horizon, HorizonQuantConfig.Read(_folder["out/model.quant-config.json"]).TypeOf(Node, "MatMul"));
        Assert.False(AmctConfig.Read(_folder["out/model.amct-config.json"]).Layers.Single(layer => layer.Layer == Node).IsQuantized);
        Assert.DoesNotContain(AmctRecord.Read(_folder["out/model.amct-record.txt"]).Layers, layer => layer.Layer == Node);
        var encoding = EncodingsFile.Read(_folder["out/model.encodings.json"]).Find(floats.Input[isFloat ? 1 : 0]);
        Assert.Equal((bits, isFloat), (encoding?.Bits, encoding?.IsFloat));
        Assert.Equal(isFloat, CompilePage.CommandsOf(_folder["out/model.compile.md"])[0].Contains(Node + ":fp16", StringComparison.Ordinal));
    }

    private string[] Entries(string folder) =>
        [.. Directory.EnumerateFileSystemEntries(_folder[folder]).Select(entry => Path.GetFileName(entry)).Order(StringComparer.Ordinal)];

    private JsonObject Quantize(string profile, string output, params string[] more) =>
        JsonNode.Parse(Loraops.Run([.. Arguments(profile, output), .. more, "--json"]).Ended(0).Output)!.AsObject();

    private string[] Arguments(string profile, string output) =>
    [
        "quantize", Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"), "--chip", profile,
        "--calibration", Fixtures.Path("bev-vit", "calibration", "shanghai.safetensors"), "-o", _folder[output],
    ];

    // A chip that wants them all: symmetric, one scale per weight.
    private string Profile()
    {
        var path = Path.Combine(Fixtures.Repository, "src", "LoraOps.Onnx", "Chips", "Profiles", "orin-x.json");
        var profile = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        profile["name"] = "all-of-them";
        profile["weights"]!["perChannelOps"] = new JsonArray();
        profile["precisions"] = new JsonArray("int8", "int16", "fp16");
        profile["handOff"] = new JsonArray("amct", "encodings", "horizon", "tensorrt-cache");
        profile["target"] = new JsonObject { ["march"] = "nash-m", ["soc"] = "Ascend310P3" };
        profile["rules"] = new JsonObject();
        profile["compile"] = new JsonArray(
            "trtexec --onnx={float} --calib={cache} {trtShapes} {layerPrecisions}",
            "atc --model={float} --soc_version={soc} --input_shape={atcShapes}",
            "hb_compile -c {yaml}",
            "qairt-converter --input_network {float} --quantization_overrides {encodings} {qnnShapes}");
        File.WriteAllText(_folder["chip.json"], profile.ToJsonString());
        return _folder["chip.json"];
    }
}
