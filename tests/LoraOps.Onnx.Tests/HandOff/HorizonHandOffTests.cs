using System.Text.Json;
using LoraOps.Bundles;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.HandOff;

public sealed class HorizonHandOffTests
{
    private static ChipProfile Journey(string march, params LayerPrecision[] precisions) => HandedOff.Asking("orin-x", "horizon") with
    {
        Target = new Dictionary<string, string> { ["march"] = march, ["coreNum"] = "1" },
        HalfPrecisionRest = false, Precisions = precisions, MinChannels = 1, Bias = BiasPolicy.Float,
        FloatOps = new Dictionary<string, string> { ["Softmax"] = "ranges are short", ["NoSuchOp"] = "nothing" },
    };

    private static ChipProfile Six => Journey("nash-m", LayerPrecision.Int8, LayerPrecision.Int16, LayerPrecision.Half);

    [Fact]
    public void The_build_configuration_leads_to_files_that_are_there()
    {
        using var folder = new TemporaryFolder();
        using var handed = new HandedOff(AmctHandOffTests.Layer("MatMul"), Six, HandedOff.Samples(folder, "x", 120, 16));
        var yaml = HorizonYaml.Read(handed["model.horizon.yaml"]);

        Assert.Equal("nash-m", yaml.Find("model_parameters", "march"));
        Assert.Equal("x", yaml.Find("input_parameters", "input_name"));
        Assert.Equal("1x16", yaml.Find("input_parameters", "input_shape"));
        Assert.Equal("featuremap", yaml.Find("input_parameters", "input_type_rt"));
        Assert.Equal("1", yaml.Find("compiler_parameters", "core_num"));
        Assert.Null(yaml.Find("input_parameters", "mean_value"));
        foreach (var path in new[] { ("model_parameters", "onnx_model"), ("calibration_parameters", "quant_config") })
            Assert.True(File.Exists(handed[yaml.Find(path.Item1, path.Item2) ?? "nothing"]));

        Assert.True(Directory.Exists(handed[yaml.Find("calibration_parameters", "cal_data_dir") ?? "nothing"]));
        Assert.Contains(Digest.OfFile(handed["model.float.onnx"]), yaml.Comments[0], StringComparison.Ordinal);
        Assert.Equal(handed.Model.Graph.Node.Count, OnnxModel.Load(handed["model.float.onnx"]).Graph.Node.Count);
    }

    [Fact]
    public void There_is_one_file_per_sample_with_its_numbers()
    {
        using var folder = new TemporaryFolder();
        var samples = HandedOff.Samples(folder, "x", 120, 16);
        using var handed = new HandedOff(AmctHandOffTests.Layer("MatMul"), Six, samples);

        var files = Directory.GetFiles(handed["model.calibration/x"]).Order().ToArray();

        Assert.Equal(120, files.Length);
        var array = NpyFile.Open(files[7], "x");
        Assert.Equal((ElementType.F32, new TensorShape(1, 16)), (array.Type, array.Shape));
        Assert.Equal(Enumerable.Range(7 * 16, 16).Select(at => (float)at), array.ToFloats());
        Assert.DoesNotContain("The folders hold", File.ReadAllText(handed["model.compile.md"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Many_samples_are_taken_evenly_and_few_are_told()
    {
        using var folder = new TemporaryFolder();
        using var many = new HandedOff(AmctHandOffTests.Layer("MatMul"), Six, HandedOff.Samples(folder, "x", 1000, 16));
        var files = Directory.GetFiles(many["model.calibration/x"]).Order().ToArray();
        using var other = new TemporaryFolder();
        using var few = new HandedOff(AmctHandOffTests.Layer("MatMul"), Six, HandedOff.Samples(other, "x", 3, 16));

        Assert.Equal(500, files.Length);
        Assert.Equal([0f, 2 * 16, 998 * 16], new[] { 0, 1, 499 }.Select(at => NpyFile.Open(files[at], "x").ToFloats()[0]));
        Assert.Contains("The folders hold 3 samples", File.ReadAllText(few["model.compile.md"]), StringComparison.Ordinal);
    }

    [Fact]
    public void Layers_of_another_precision_are_listed_for_Journey_6()
    {
        using var folder = new TemporaryFolder();
        var types = HorizonQuantConfig.Read(Mixed(folder, Six, LayerPrecision.Half)["model.quant-config.json"]);
        using var document = JsonDocument.Parse(File.ReadAllText(folder["model.quant-config.json"]));

        Assert.Equal("int8", document.RootElement.GetProperty("model_config").GetProperty("all_node_type").GetString());
        Assert.Equal("int16", document.RootElement.GetProperty("node_config").GetProperty("node_a").GetProperty("qtype").GetString());
        Assert.Equal(("int16", "int8", "float16"), (types.TypeOf("node_a", "MatMul"), types.TypeOf("node_b", "MatMul"), types.TypeOf("node_y", "MatMul")));
        Assert.Equal("max", types.CalibrationType);
    }

    [Fact]
    public void Layers_of_another_precision_are_listed_for_Journey_5()
    {
        using var folder = new TemporaryFolder();
        var yaml = HorizonYaml.Read(Mixed(folder, Journey("bayes", LayerPrecision.Int8, LayerPrecision.Int16), LayerPrecision.Float)["model.horizon.yaml"]);

        Assert.Equal("{'ON': 'BPU', 'InputType': 'int16', 'OutputType': 'int16'}", yaml.Find("model_parameters", "node_info", "node_a"));
        Assert.Equal("node_y", yaml.Find("calibration_parameters", "run_on_cpu"));
        Assert.Equal("max", yaml.Find("calibration_parameters", "calibration_type"));
        Assert.Equal("float32", yaml.Find("calibration_parameters", "cal_data_type"));
    }

    [Theory]
    [InlineData(new[] { LayerPrecision.Int8, LayerPrecision.Int16, LayerPrecision.Half }, "int16")]
    [InlineData(new[] { LayerPrecision.Int8, LayerPrecision.Half }, "float16")]
    [InlineData(new[] { LayerPrecision.Int8, LayerPrecision.Float }, "float32")]
    public void What_stays_float_without_a_choice_gets_the_cheapest_precision_that_is_close(LayerPrecision[] precisions, string type)
    {
        using var folder = new TemporaryFolder();

        Assert.Equal(type, HorizonQuantConfig.Read(Mixed(folder, Journey("nash-m", precisions), null)["model.quant-config.json"]).TypeOf("node_y", "MatMul"));
    }

    [Fact]
    public void Operators_that_the_profile_keeps_in_float_are_listed_where_they_occur()
    {
        var model = new TinyGraph().Input("x", 1, 16).Output("y", 1, 16).Random("w", 16, 16)
            .Node("Softmax", ["x"], "h").Node("MatMul", ["h", "w"], "y").Build();
        using var folder = new TemporaryFolder();
        using var handed = new HandedOff(model, Six, HandedOff.Samples(folder, "x", 2, 16));

        Assert.Equal([new("Softmax", "int16")], HorizonQuantConfig.Read(handed["model.quant-config.json"]).Ops);
    }

    [Fact]
    [Raises(ProblemCode.HandOffSamplesMissing)]
    public void Refuses_an_input_without_samples()
    {
        using var folder = new TemporaryFolder();

        Assert.Equal(ProblemCode.HandOffSamplesMissing, Refused(HandedOff.Samples(folder, "other", 2, 16)));
        Assert.Equal(ProblemCode.HandOffSamplesMissing, Refused(null));
    }

    [Fact]
    public void A_folder_never_leaves_its_place()
    {
        HandOffInput[] inputs = [Input("../a"), Input("a/b"), Input("a_b"), Input(".."), Input("x.1")];

        Assert.Equal([".._a", "a_b_1", "a_b_2", "input", "x.1"], inputs.Select((_, at) => CalibrationFolders.NameOf(inputs, at)));
    }

    [Fact]
    public void Quotes_survive_the_configuration()
    {
        using var folder = new TemporaryFolder();
        var yaml = new HorizonYaml(["first"], [HorizonEntry.Group("g", HorizonEntry.Text("it's: #1", "a 'b' c: d #e"), HorizonEntry.Plain("n", "-1"))]);
        File.WriteAllText(folder["y"], yaml.Render());

        var read = HorizonYaml.Read(folder["y"]);

        Assert.Equal(["first"], read.Comments);
        Assert.Equal(("a 'b' c: d #e", "-1"), (read.Find("g", "it's: #1"), read.Find("g", "n")));
        Assert.Equal(yaml.Render(), read.Render());
    }

    [Theory]
    [InlineData("a:\n   b: 1\n", "line 2 has another indentation than the lines around it")]
    [InlineData("a: 1\na: 2\n", "line 2 ends a group that has a key twice")]
    [InlineData("a\n", "line 1 is no 'key: value'")]
    [InlineData("a: 'b\n", "line 1 has a quote that is not closed")]
    [InlineData("a: 'b' c\n", "line 1 goes on after its quoted text")]
    [InlineData("a:\n  a:\n    a:\n      a:\n        a: 1\n", "line 4 lies too deep")]
    public void Refuses_what_is_no_configuration(string text, string what)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["y"], text);

        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => HorizonYaml.Read(folder["y"])).Problems);
        Assert.Equal((ProblemCode.HandOffFileInvalid, $"is no Horizon configuration: {what}"), (problem.Code, problem.What));
    }

    private static ProblemCode Refused(SampleSet? samples) => Assert.Single(Assert.Throws<LoraOpsException>(
        () => new HandedOff(AmctHandOffTests.Layer("MatMul"), Six, samples)).Problems).Code;

    private static TemporaryFolder Mixed(TemporaryFolder folder, ChipProfile chip, LayerPrecision? chosen)
    {
        using var data = new TemporaryFolder();
        var (floats, quantized) = MixedModel.Make();
        HandOffs.Write(MixedModel.Request(chip, floats, quantized, HandedOff.Samples(data, "x", 4, 16), chosen), folder.Path);
        return folder;
    }

    private static HandOffInput Input(string name) => new(name, ElementType.F32, [1], false);
}
