using System.Text.Json.Nodes;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.HandOff;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Onnx.Tests.Chips;

public sealed class ChipProfileTests
{
    private static readonly string Profiles = Path.Combine(Fixtures.Repository, "src", "LoraOps.Onnx", "Chips", "Profiles");

    [Fact]
    public void Every_file_is_a_chip_of_its_name() => Assert.Equal(
        Directory.EnumerateFiles(Profiles).Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal),
        ChipProfiles.All.Select(chip => chip.Name));

    [Fact]
    public void Every_chip_has_rules_and_gates_and_says_what_it_is() => Assert.All(ChipProfiles.All, chip =>
    {
        Assert.NotEmpty(chip.Rules);
        Assert.NotEmpty(chip.Gates);
        Assert.All([chip.Vendor, chip.Sdk, chip.Description], Assert.NotEmpty);
    });

    [Fact]
    public void A_file_of_the_user_is_read_like_an_embedded_one()
    {
        var mine = ChipProfiles.Find(Path.Combine(Profiles, "orin-x.json"));

        Assert.Equivalent(ChipProfiles.Find("orin-x"), mine);
    }

    [Fact]
    public void The_command_lines_name_the_model() => Assert.Equal(
        "trtexec --onnx=out/city.onnx --saveEngine=city.engine --int8 --fp16 {trtShapes}   # TensorRT 8.6 to 10",
        CompileCommands.Of(ChipProfiles.Find("orin-x"), "out/city.onnx")[0]);

    [Fact]
    public void Refuses_an_unknown_name_and_lists_the_known_ones()
    {
        var problem = Assert.Throws<LoraOpsException>(() => ChipProfiles.Find("orin-y")).Problems.Single();

        Assert.Equal(ProblemCode.ChipUnknown, problem.Code);
        Assert.Contains("arm64, ascend-310p, journey-5, journey-6, mdc-610, orin-dla, orin-x, sa8295, x64-vnni", problem.What, StringComparison.Ordinal);
        Assert.Equal(ExitCode.Usage, problem.Code.ExitCode());
    }

    [Fact]
    public void Refuses_a_missing_file() =>
        Assert.Equal(ProblemCode.FileMissing, Assert.Throws<LoraOpsException>(() => ChipProfile.Load("nowhere.json")).Problems.Single().Code);

    [Theory]
    [InlineData("name", "\"Orin X\"", "field 'name' is 'Orin X', names are kebab-case")]
    [InlineData("name", "7", "field 'name' must be a text")]
    [InlineData("vendor", null, "field 'vendor' is missing")]
    [InlineData("extra", "1", "field 'extra' is unknown")]
    [InlineData("minChannels", "0", "field 'minChannels' must be a whole number above 0")]
    [InlineData("minChannels", "1.5", "field 'minChannels' must be a whole number above 0")]
    [InlineData("skipVectorProducts", "\"yes\"", "field 'skipVectorProducts' must be true or false")]
    [InlineData("bias", "\"int8\"", "field 'bias' must be one of float, int32")]
    [InlineData("opset", "[13, 20]", "field 'opset' must be an object")]
    [InlineData("gates", "[1]", "field 'gates' must be a list of texts")]
    [InlineData("gates", "\"cosine\"", "field 'gates' must be a list of texts")]
    [InlineData("weightedOps", "[\"Einsum\"]", "field 'weightedOps' names 'Einsum', allowed are Conv, ConvTranspose, MatMul and Gemm")]
    [InlineData("outputOps", "[\"Relu\"]", "field 'outputOps' names 'Relu', which is not one of weightedOps")]
    [InlineData("removableActivations", "[\"Relu\"]", "field 'removableActivations' must be empty where activations are symmetric")]
    [InlineData("removableActivations", "[\"Gelu\"]", "field 'removableActivations' names 'Gelu', allowed are Relu and Clip")]
    [InlineData("rules", "{ \"TRT-99\": \"error\" }", "field 'rules' names 'TRT-99', which is no rule of LoraOps")]
    [InlineData("rules", "{ \"TRT-01\": \"fatal\" }", "field 'rules.TRT-01' must be one of warn, error")]
    [InlineData("activations", "{ \"type\": \"int8\", \"symmetric\": true }", "field 'activations.minRealRange' is missing")]
    [InlineData(
        "activations", "{ \"type\": \"int8\", \"symmetric\": true, \"minRealRange\": -1 }", "field 'activations.minRealRange' must be a number of at least 0")]
    [InlineData("weights", "{ \"perChannel\": true, \"reducedRange\": false, \"storage\": \"dq\", \"bits\": 4 }", "field 'weights.bits' is unknown")]
    [InlineData("opset", "{ \"min\": 14, \"max\": 13 }", "field 'opset' has a min above its max")]
    [InlineData("weights", """{ "perChannel": true, "reducedRange": false, "storage": "dq", "perChannelOps": ["Relu"] }""",
        "field 'weights.perChannelOps' names 'Relu', which is not one of weightedOps")]
    [InlineData("weights", """{ "perChannel": false, "reducedRange": false, "storage": "dq", "perChannelOps": ["Conv"] }""",
        "field 'weights.perChannelOps' must be empty where perChannel is false")]
    [InlineData("precisions", "[\"int8\", \"half\"]", "field 'precisions' must be one of int8, int16, fp16, float")]
    [InlineData("precisions", "[\"int8\", \"float\", \"fp16\"]", "field 'precisions' must be in the order int8, int16, fp16, float, each once")]
    [InlineData("precisions", "[\"int16\"]", "field 'precisions' must begin with int8, the cheapest")]
    [InlineData("precisions", "[]", "field 'precisions' must begin with int8, the cheapest")]
    [InlineData("supportedOps", "\"Conv\"", "field 'supportedOps' must be a list of texts")]
    [InlineData("hostOps", "[\"Conv\"]", "field 'hostOps' must be an object")]
    [InlineData("floatOps", "{ \"Conv\": \"slow\" }", "field 'floatOps' names 'Conv', which is quantized")]
    [InlineData("shapes", "{ \"static\": true, \"layerRank\": \"4\" }", "field 'shapes.layerRank' must be a whole number")]
    [InlineData("floatOps", "{ \"Erf\": \"\" }", "field 'floatOps' has no reason for 'Erf'")]
    [InlineData("floatOps", "{ \"Erf\": 1 }", "field 'floatOps.Erf' must be a text")]
    [InlineData("fixedRanges", "{ \"Softmax\": [1, 0] }", "field 'fixedRanges.Softmax' must be two finite numbers, the smaller one first")]
    [InlineData("fixedRanges", "{ \"Softmax\": [0, 1e99] }", "field 'fixedRanges.Softmax' must be two finite numbers, the smaller one first")]
    [InlineData("fixedRanges", "{ \"Softmax\": 1 }", "field 'fixedRanges.Softmax' must be two finite numbers, the smaller one first")]
    [InlineData("shapes", "{ \"maxRank\": 5 }", "field 'shapes.static' is missing")]
    [InlineData("shapes", "{ \"static\": true, \"maxRank\": 0 }", "field 'shapes.maxRank' must be a whole number above 0")]
    [InlineData("alignment", "0", "field 'alignment' must be a whole number above 0")]
    [InlineData("handOff", "[\"fax\"]", "field 'handOff' names 'fax', known are amct, encodings, horizon, tensorrt-cache")]
    [InlineData("target", "{ \"model\": \"x\" }", "field 'target' names 'model', which compile commands use for the model")]
    public void Refuses_a_field_that_is_unknown_missing_or_wrong(string field, string? value, string message)
    {
        using var folder = new TemporaryFolder();
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Profiles, "orin-x.json")))!.AsObject();
        json.Remove(field);
        if (value is not null)
            json[field] = JsonNode.Parse(value);

        File.WriteAllText(folder["mine.json"], json.ToJsonString());
        var problems = Assert.Throws<LoraOpsException>(() => ChipProfile.Load(folder["mine.json"])).Problems;

        Assert.Contains(message, problems.Select(problem => problem.What));
        Assert.All(problems, problem => Assert.Equal((ProblemCode.ChipProfileInvalid, folder["mine.json"]), (problem.Code, problem.Where)));
    }

    [Fact]
    public void Tells_all_that_is_wrong_at_once()
    {
        var fields = Edited(json =>
        {
            json["minChannels"] = 0;
            json["precisions"] = new JsonArray("fp16");
            json["extra"] = 1;
        });

        Assert.Equal(
            ["field 'extra' is unknown", "field 'minChannels' must be a whole number above 0", "field 'precisions' must begin with int8, the cheapest"],
            Assert.Throws<LoraOpsException>(fields).Problems.Select(problem => problem.What).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_file_without_the_optional_fields_is_what_it_was()
    {
        var chip = Edited(json =>
        {
            foreach (var field in Optional)
                json.Remove(field);

            json["weights"]!.AsObject().Remove("perChannelOps");
        })();

        Assert.Equal([LayerPrecision.Int8, LayerPrecision.Half], chip.Precisions);
        Assert.Equal(chip.WeightedOps, chip.Weights.PerChannelOps);
        Assert.All(chip.WeightedOps, op => Assert.True(chip.Weights.IsPerChannel(op)));
        Assert.Equal((0, 0, 0, 0, 0), (chip.QuantizedOps.Count, chip.FloatOps.Count, chip.FixedRanges.Count, chip.HandOff.Count, chip.Target.Count));
        Assert.Equal(((ShapeLimits?)null, 1), (chip.Shapes, chip.Alignment));
    }

    [Fact]
    public void The_optional_fields_are_read()
    {
        var chip = Edited(json =>
        {
            json["activations"] = JsonNode.Parse("""{ "type": "uint16", "symmetric": false, "minRealRange": 1e-4 }""");
            json["weights"] = JsonNode.Parse("""{ "perChannel": true, "reducedRange": false, "storage": "dq", "perChannelOps": ["Conv"] }""");
            json["precisions"] = JsonNode.Parse("""["int8", "int16", "fp16", "float"]""");
            json["quantizedOps"] = JsonNode.Parse("""["Softmax"]""");
            json["floatOps"] = JsonNode.Parse("""{ "Erf": "has no integer kernel" }""");
            json["fixedRanges"] = JsonNode.Parse("""{ "Softmax": [0, 1] }""");
            json["shapes"] = JsonNode.Parse("""{ "static": true, "maxRank": 5, "maxDim": 8192, "maxBatch": 4096, "layerRank": 4 }""");
            json["supportedOps"] = JsonNode.Parse("""["Conv", "Relu"]""");
            json["hostOps"] = JsonNode.Parse("""{ "Cast": "runs on the CPU" }""");
            json["alignment"] = 32;
            json["handOff"] = JsonNode.Parse("""["amct", "encodings"]""");
            json["target"] = JsonNode.Parse("""{ "march": "nash-m", "coreNum": "1" }""");
            json["compile"] = JsonNode.Parse("""["compile {model} {name} --march {march} --cores {coreNum} {other}"]""");
        })();

        Assert.Equal((ActivationType.Uint16, 1e-4), (chip.Activations.Type, chip.Activations.MinRealRange));
        Assert.Equal((true, false), (chip.Weights.IsPerChannel("Conv"), chip.Weights.IsPerChannel("MatMul")));
        Assert.Equal([LayerPrecision.Int8, LayerPrecision.Int16, LayerPrecision.Half, LayerPrecision.Float], chip.Precisions);
        Assert.Equal(["Softmax"], chip.QuantizedOps);
        Assert.Equal("has no integer kernel", chip.FloatOps["Erf"]);
        Assert.Equal(new FixedRange(0, 1), chip.FixedRanges["Softmax"]);
        Assert.Equal(new ShapeLimits(true, 5, 8192, 4096) { LayerRank = 4 }, chip.Shapes);
        Assert.Equal(("Conv, Relu", "runs on the CPU"), (string.Join(", ", chip.SupportedOps), chip.HostOps["Cast"]));
        Assert.Equal((32, 2), (chip.Alignment, chip.HandOff.Count));
        Assert.Equal("compile a/m.onnx m --march nash-m --cores 1 {other}", CompileCommands.Of(chip, "a/m.onnx").Single());
    }

    private static readonly string[] Optional =
        ["precisions", "quantizedOps", "floatOps", "fixedRanges", "shapes", "alignment", "handOff", "target", "supportedOps", "hostOps"];

    private static Func<ChipProfile> Edited(Action<JsonObject> edit) => () =>
    {
        using var folder = new TemporaryFolder();
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Profiles, "orin-x.json")))!.AsObject();
        edit(json);
        File.WriteAllText(folder["mine.json"], json.ToJsonString());
        return ChipProfile.Load(folder["mine.json"]);
    };

    [Theory]
    [InlineData("{ name: 1 }")]
    [InlineData("[]")]
    [InlineData("{ \"name\": \"a\", \"name\": \"b\" }")]
    [InlineData("")]
    public void Refuses_what_is_no_object_of_JSON(string text)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["mine.json"], text);

        Assert.Equal(
            ProblemCode.ChipProfileInvalid,
            Assert.Throws<LoraOpsException>(() => ChipProfile.Load(folder["mine.json"])).Problems[0].Code);
    }

    [Fact]
    public void Refuses_a_file_that_is_too_large()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["mine.json"], new string(' ', (1 << 20) + 1));

        Assert.Contains("1 MiB", Assert.Throws<LoraOpsException>(() => ChipProfile.Load(folder["mine.json"])).Message, StringComparison.Ordinal);
    }
}
