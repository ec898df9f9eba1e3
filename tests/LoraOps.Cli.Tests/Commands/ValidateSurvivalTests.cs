using System.Text.Json;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

/// <summary>The whole way of an adapter into INT8, and what is left of it there.</summary>
public sealed class ValidateSurvivalTests : IDisposable
{
    private static readonly string Origin = Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx");
    private static readonly string Evaluation = Fixtures.Path("bev-vit", "eval", "shanghai.safetensors");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void An_adapter_that_survives_is_proven_layer_by_layer()
    {
        var (merged, quantized) = Quantized();

        var json = Loraops.RunJson(
            "validate", "--candidate", quantized, "--reference", merged, "--base", Origin, "--inputs", Evaluation, "--layers", "--report", _folder["r.html"]);

        Assert.True(json.GetProperty("passed").GetBoolean());
        Assert.Equal(["delta-cosine>=0.6", "effect-cosine>=0.9"], Rows(json, "gates").Select(row => row.GetProperty("gate").GetString()));
        var layers = Rows(json, "survival");
        Assert.Equal(8, layers.Count);
        Assert.All(layers, row => Assert.Equal("kept", row.GetProperty("verdict").GetString()));
        Assert.All(layers, row => Assert.InRange(row.GetProperty("deltaCosine").GetDouble(), 0.99, 1));
        Assert.Equal("the base in float", json.GetProperty("effectFrom").GetString());

        var measured = Rows(json, "layers");
        Assert.Equal(26, measured.Count);
        Assert.All(measured, row => Assert.Equal("int8", row.GetProperty("precision").GetString()));
        Assert.All(measured, row => Assert.InRange(row.GetProperty("weightSqnr").GetDouble(), 30, 60));
        Assert.Equal(2 * 26, Rows(json, "histograms").Count);
        Assert.Equal(10, Rows(json, "worstSamples").Count);
        Assert.True(File.Exists(_folder["r.html"]));
    }

    [Fact]
    public void Gates_of_the_user_take_the_place_of_the_defaults_and_a_buried_adapter_exits_3()
    {
        var (merged, quantized) = Quantized();

        var run = Loraops.Run(
            "validate", "--candidate", quantized, "--reference", merged, "--base", Origin, "--inputs", Evaluation,
            "--gate", "delta-cosine>=0.9999999").Ended(3);

        Assert.Contains("LORA8070", run.Error, StringComparison.Ordinal);
        Assert.Contains("'vit.layers.", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Domains_are_told_apart()
    {
        var (merged, quantized) = Quantized();
        var beijing = Fixtures.Path("bev-vit", "eval", "beijing.safetensors");

        var json = Loraops.RunJson(
            "validate", "--candidate", quantized, "--reference", merged, "--inputs", "sh=" + Evaluation, "--inputs", "bj=" + beijing,
            "--labels", "bj=" + beijing, "--gate", "accuracy>=0.5");

        var domains = Rows(json, "domains");
        Assert.Equal(["sh", "bj"], domains.Select(row => row.GetProperty("domain").GetString()));
        Assert.True(domains[0].GetProperty("accuracy").GetDouble() > 0.85);
        Assert.True(domains[1].GetProperty("accuracy").GetDouble() < 0.3);
        Assert.Equal("logits of bj", Assert.Single(Rows(json, "gates")).GetProperty("output").GetString());
        Assert.Contains(Rows(json, "worstSamples"), row => row.GetProperty("domain").GetString() is "sh" or "bj");
        Assert.NotEmpty(Rows(json, "confusions"));
    }

    [Theory]
    [InlineData("--inputs", "a=x", "--inputs", "a=y")]
    [InlineData("--inputs", "a=x", "--inputs", "y")]
    [InlineData("--inputs", "a=x", "--labels", "b=y")]
    [InlineData("--inputs", "x", "--base-candidate", "y")]
    public void Samples_and_bases_that_do_not_go_together_are_refused(params string[] more) =>
        Loraops.Run(["validate", "--candidate", "c.onnx", "--reference", "r.onnx", .. more]).Ended(2);

    private (string Merged, string Quantized) Quantized()
    {
        var calibration = Fixtures.Path("bev-vit", "calibration", "shanghai.safetensors");
        var adapter = Fixtures.Path("bev-vit", "adapters", "shanghai");
        Loraops.Run("convert", "--model", Origin, "--adapter", adapter, "--form", "merged", "-o", _folder["m.onnx"]).Ended(0);
        Loraops.Run("quantize", _folder["m.onnx"], "--chip", "x64-vnni", "--calibration", calibration, "-o", _folder["q.onnx"]).Ended(0);
        return (_folder["m.onnx"], _folder["q.onnx"]);
    }

    private static List<JsonElement> Rows(JsonElement json, string name) => [.. json.GetProperty(name).EnumerateArray()];
}
