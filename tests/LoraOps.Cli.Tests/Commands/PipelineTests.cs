using System.Text.Json;
using System.Xml.Linq;
using LoraOps.Onnx.Chips;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

/// <summary>The whole way by hand: convert, quantize, validate, bundle.</summary>
public sealed class PipelineTests : IDisposable
{
    private static readonly string Model = Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx");
    private static readonly string Adapter = Fixtures.Path("bev-vit", "adapters", "shanghai");
    private static readonly string Eval = Fixtures.Path("bev-vit", "eval", "shanghai.safetensors");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_converted_model_gives_what_PyTorch_gave()
    {
        var converted = Loraops.RunJson(
            "convert", "--model", Model, "--adapter", $"sh={Adapter}", "--base", Fixtures.Path("bev-vit", "hf", "model.safetensors"), "-o", _folder["sh"]);

        Assert.Equal(Path.Combine(_folder["sh"], "model.onnx"), converted.GetProperty("output").GetString());
        Assert.Equal("sh", converted.GetProperty("adapters")[0].GetString());
        Assert.All(converted.GetProperty("sites").EnumerateArray(), site => Assert.True(site.GetProperty("verified").GetBoolean()));
        Loraops.Run(
            "validate", "--candidate", _folder["sh/model.onnx"], "--expected", Fixtures.Path("bev-vit", "reference", "shanghai.safetensors"),
            "--gate", "max-abs<=1e-4").Ended(0);
    }

    [Fact]
    public void A_dry_run_explains_and_writes_nothing()
    {
        var run = Loraops.Run("convert", "--model", Model, "--adapter", Adapter, "-o", _folder["new/model.onnx"], "--dry-run", "--explain").Ended(0);

        Assert.Contains("vit.layers.0.attention.q_proj", run.Output, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public void An_output_is_replaced_only_when_asked_for()
    {
        string[] convert = ["convert", "--model", Model, "--adapter", Adapter, "-o", _folder["m.onnx"], "-q"];
        var first = Loraops.Run(convert).Ended(0);
        var bytes = File.ReadAllBytes(_folder["m.onnx"]);

        Assert.Empty(first.Error);
        Assert.Contains("--overwrite", Loraops.Run(convert).Ended(2).Error, StringComparison.Ordinal);
        Loraops.Run([.. convert, "--weights", "0", "--overwrite"]).Ended(0);
        Assert.NotEqual(bytes, File.ReadAllBytes(_folder["m.onnx"]));
        Loraops.Run([.. convert, "--overwrite"]).Ended(0);
        Assert.Equal(bytes, File.ReadAllBytes(_folder["m.onnx"]));
    }

    [Fact]
    public void Merge_writes_a_checkpoint_that_inspect_reads()
    {
        var merged = Loraops.RunJson(
            "merge", "--base", Fixtures.Path("bev-vit", "hf"), "--adapter", Adapter, "-o", _folder["merged"], "--max-shard-size", "200kB", "--memory", "64MB");

        Assert.Equal(8, merged.GetProperty("changed").GetInt32());
        Assert.True(merged.GetProperty("files").GetArrayLength() > 1);
        Assert.Equal("sharded safetensors", Loraops.RunJson("inspect", _folder["merged"]).GetProperty("kind").GetString());
        Loraops.Run("merge", "--base", Fixtures.Path("bev-vit", "hf"), "--adapter", Adapter, "-o", _folder["one.safetensors"], "--arithmetic", "peft").Ended(0);
        Assert.True(File.Exists(_folder["one.safetensors"]));
        Loraops.Run("merge", "--base", Fixtures.Path("bev-vit", "hf"), "--adapter", Adapter, "-o", _folder["dry"], "--dry-run").Ended(0);
        Assert.False(Path.Exists(_folder["dry"]));
    }

    public static TheoryData<string> Chips => [.. ChipProfiles.All.Select(chip => chip.Name)];

    [Theory]
    [MemberData(nameof(Chips))]
    public void A_quantized_model_keeps_its_chips_rules_and_its_accuracy(string chip)
    {
        Quantized(chip);

        Loraops.Run("chips", chip, "--model", _folder["int8.onnx"]).Ended(0);
        Loraops.Run(
            "validate", "--candidate", _folder["int8.onnx"], "--reference", _folder["m.onnx"], "--inputs", Eval,
            "--gate", "cosine>=0.99", "--gate", "accuracy-drop<=1.5").Ended(0);
    }

    [Fact]
    public void A_broken_rule_exits_5_and_names_the_rule()
    {
        Quantized("x64-vnni");

        var run = Loraops.Run("chips", "orin-x", "--model", _folder["int8.onnx"]).Ended(5);

        Assert.Contains("LORA6003: ", run.Error, StringComparison.Ordinal);
        Assert.Contains("TRT-01", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missed_gate_exits_3_and_says_by_how_much()
    {
        string[] validate =
        [
            "validate", "--candidate", Model, "--expected", Fixtures.Path("bev-vit", "reference", "shanghai.safetensors"),
            "--gate", "max-abs<=1e-4", "--gate", "norm-ratio>=0.1",
            "--report", _folder["r.html"], "--junit", _folder["j.xml"], "--sarif", _folder["s.sarif"],
        ];
        var run = Loraops.Run(validate).Ended(3);

        Assert.Contains("missed by", run.Output, StringComparison.Ordinal);
        Assert.Contains("FAIL", run.Output, StringComparison.Ordinal);
        Assert.Contains("LORA8001: ", run.Error, StringComparison.Ordinal);
        var suite = XDocument.Load(_folder["j.xml"]).Root!.Element("testsuite")!;
        Assert.Equal(("2", "1"), (suite.Attribute("tests")!.Value, suite.Attribute("failures")!.Value));
        Assert.Single(suite.Elements("testcase"), test => test.Element("failure") is not null);
        var sarif = JsonDocument.Parse(File.ReadAllText(_folder["s.sarif"])).RootElement.GetProperty("runs")[0];
        Assert.Equal("max-abs", Assert.Single(sarif.GetProperty("results").EnumerateArray().ToArray()).GetProperty("ruleId").GetString());
        var html = File.ReadAllText(_folder["r.html"]);
        Assert.Contains("1 of 2 gates failed.", html, StringComparison.Ordinal);
        Assert.DoesNotContain("://", html, StringComparison.Ordinal);
        Assert.Equal(2, Loraops.Run(validate).Exit);
    }

    [Fact]
    public void A_bundle_is_verified_until_a_byte_changes()
    {
        Quantized("x64-vnni");
        var parity = Loraops.Run(
            "validate", "--candidate", _folder["int8.onnx"], "--reference", _folder["m.onnx"], "--inputs", Eval, "--gate", "cosine>=0.99", "--json");
        File.WriteAllText(_folder["parity.json"], parity.Ended(0).Output);
        string[] create =
        [
            "bundle", "create", _folder["int8.onnx"], "--adapter", Adapter, "--base", Model, "--chip", "x64-vnni",
            "--parity", _folder["parity.json"], "-o", _folder["bundle"],
        ];

        Loraops.Run([.. create, "--dry-run"]).Ended(0);
        Assert.False(Path.Exists(_folder["bundle"]));
        Loraops.Run(create).Ended(0);
        Assert.True(Loraops.RunJson("bundle", "verify", _folder["bundle"]).GetProperty("verified").GetBoolean());
        var seen = Loraops.RunJson("inspect", _folder["bundle"]);
        Assert.Equal(("bundle", "x64-vnni"), (seen.GetProperty("kind").GetString(), seen.GetProperty("chip").GetString()));
        Assert.Equal("cosine>=0.99", seen.GetProperty("parity")[0].GetProperty("gate").GetString());
        using (var file = File.OpenWrite(_folder["bundle/int8.onnx"]))
            file.WriteByte(9);

        Assert.Contains("LORA7001: ", Loraops.Run("bundle", "verify", _folder["bundle"]).Ended(6).Error, StringComparison.Ordinal);
    }

    private void Quantized(string chip)
    {
        Loraops.Run("convert", "--model", Model, "--adapter", Adapter, "-o", _folder["m.onnx"]).Ended(0);
        Loraops.Run(
            "quantize", _folder["m.onnx"], "--chip", chip, "--calibration", Fixtures.Path("bev-vit", "calibration", "shanghai.safetensors"),
            "-o", _folder["int8.onnx"]).Ended(0);
    }
}
