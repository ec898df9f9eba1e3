using LoraOps.Bundles;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Readers.Samples;
using YamlDotNet.RepresentationModel;

namespace LoraOps.Recipes.Tests;

/// <summary>What vendors' compilers take ships in the bundle, under its digests.</summary>
public sealed class HandOffTests : IDisposable
{
    private readonly Kitchen _kitchen = new();

    public void Dispose() => _kitchen.Dispose();

    [Theory]
    [InlineData("orin-dla", "model.calib.cache")]
    [InlineData("ascend-310p", "model.amct-config.json model.amct-record.txt")]
    [InlineData("sa8295", "model.encodings-1.0.0.json model.encodings.json")]
    public void A_bundle_holds_what_its_chip_takes(string chip, string files)
    {
        var recipe = _kitchen.Write(chips: chip, more: "gates: {quantize: [cosine>=0.9]}");
        var job = Assert.Single(Kitchen.Run(recipe).Jobs);
        var folder = _kitchen.Bundle($"shanghai-{chip}");
        var manifest = BundleVerifier.Read(folder);

        Assert.Empty(BundleVerifier.Verify(folder));
        string[] expected = [.. files.Split(' '), "model.compile.md", "model.float.onnx", "model.onnx"];
        Assert.Equal(expected.Order(StringComparer.Ordinal), manifest.Files.Select(file => file.Path));
        Assert.Equal(CompilePage.CommandsOf(Path.Combine(folder, "model.compile.md")), manifest.Compile);
        Assert.All(manifest.Compile ?? [], line => Assert.DoesNotContain('{', line));

        // What ships beside the model is not the model's length.
        Assert.Equal(new FileInfo(Path.Combine(folder, "model.onnx")).Length, job.Bytes);
        Assert.Equal(JobStatus.UpToDate, Assert.Single(Kitchen.Run(recipe).Jobs).Status);
    }

    [Theory]
    [InlineData("journey-5", "bayes")]
    [InlineData("journey-6", "nash-m")]
    public void A_bundle_for_Horizon_builds_from_its_own_folder(string chip, string march)
    {
        Kitchen.Run(_kitchen.Write(chips: chip, more: "gates: {quantize: [cosine>=0.9]}"));
        var folder = _kitchen.Bundle($"shanghai-{chip}");
        Assert.Empty(BundleVerifier.Verify(folder));

        // Read by somebody else's YAML.
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(Path.Combine(folder, "model.horizon.yaml"))));
        var root = (YamlMappingNode)yaml.Documents[0].RootNode;
        Assert.Equal(march, Value(root, "model_parameters", "march"));
        Assert.Equal("pixel_values", Value(root, "input_parameters", "input_name"));
        Assert.Equal("1x1x8x8", Value(root, "input_parameters", "input_shape"));
        var ours = HorizonYaml.Read(Path.Combine(folder, "model.horizon.yaml"));
        foreach (var (group, entries) in root.Children)
        {
            foreach (var (key, value) in ((YamlMappingNode)entries).Children.Where(pair => pair.Value is YamlScalarNode))
                Assert.Equal(((YamlScalarNode)value).Value, ours.Find(((YamlScalarNode)group).Value ?? "", ((YamlScalarNode)key).Value ?? ""));
        }

        // Every path leads to something inside the folder, and the samples are those that were calibrated on.
        var floats = Path.Combine(folder, Value(root, "model_parameters", "onnx_model"));
        var names = OnnxModel.Load(floats).Graph.Node.Select(node => node.Name).ToHashSet();
        Assert.All(HorizonQuantConfig.Read(Path.Combine(folder, "model.quant-config.json")).Nodes.Keys, node => Assert.Contains(node, names));
        var samples = Directory.GetFiles(Path.Combine(folder, Value(root, "calibration_parameters", "cal_data_dir"))).Order().ToList();
        var data = SampleSet.Open(Testing.Fixtures.Path("bev-vit", "calibration", "shanghai.safetensors"));
        Assert.Equal(data.Count, samples.Count);
        var row = new float[data.Tensors["pixel_values"].Shape.RowLength];
        data.Tensors["pixel_values"].ReadFloats(5 * row.Length, row);
        Assert.Equal(row, NpyFile.Open(samples[5], "pixel_values").ToFloats());
        Assert.Contains(Digest.OfFile(floats), ours.Comments[0], StringComparison.Ordinal);
    }

    private static string Value(YamlMappingNode root, string group, string key) => ((YamlScalarNode)root[group][key]).Value ?? "";
}
