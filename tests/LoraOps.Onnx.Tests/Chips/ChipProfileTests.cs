using System.Text.Json.Nodes;
using LoraOps.Onnx.Chips;
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
        "trtexec --onnx=out/city.onnx --saveEngine=city.engine --int8 --fp16   # TensorRT 8.6 to 10",
        ChipProfiles.Find("orin-x").CommandsFor("out/city.onnx")[0]);

    [Fact]
    public void Refuses_an_unknown_name_and_lists_the_known_ones()
    {
        var problem = Assert.Throws<LoraOpsException>(() => ChipProfiles.Find("orin-y")).Problems.Single();

        Assert.Equal(ProblemCode.ChipUnknown, problem.Code);
        Assert.Contains("orin-x, x64-vnni", problem.What, StringComparison.Ordinal);
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
    [InlineData("weightedOps", "[\"Einsum\"]", "field 'weightedOps' names 'Einsum', allowed are Conv, MatMul and Gemm")]
    [InlineData("outputOps", "[\"Relu\"]", "field 'outputOps' names 'Relu', which is not one of weightedOps")]
    [InlineData("removableActivations", "[\"Relu\"]", "field 'removableActivations' must be empty where activations are symmetric")]
    [InlineData("removableActivations", "[\"Gelu\"]", "field 'removableActivations' names 'Gelu', allowed are Relu and Clip")]
    [InlineData("rules", "{ \"TRT-99\": \"error\" }", "field 'rules' names 'TRT-99', which is no rule of LoraOps")]
    [InlineData("rules", "{ \"TRT-01\": \"fatal\" }", "field 'rules.TRT-01' must be one of warn, error")]
    [InlineData("activations", "{ \"type\": \"int8\", \"symmetric\": true }", "field 'activations.minRealRange' is missing")]
    [InlineData(
        "activations", "{ \"type\": \"int8\", \"symmetric\": true, \"minRealRange\": -1 }", "field 'activations.minRealRange' must be a number of at least 0")]
    [InlineData("weights", "{ \"perChannel\": true, \"reducedRange\": false, \"storage\": \"dq\", \"bits\": 4 }", "field 'weights.bits' is unknown")]
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
