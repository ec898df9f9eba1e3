using System.Text.Json;
using System.Xml.Linq;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

/// <summary>The files for machines of quantize and run.</summary>
public sealed class CommandReportTests : IDisposable
{
    private static readonly string Model = Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Quantize_writes_a_test_for_each_rule_of_the_chip()
    {
        Loraops.Run([.. Quantize(Model), "--chip", "x64-vnni"]).Ended(0);

        var tests = XDocument.Load(_folder["j.xml"]).Descendants("testcase").Select(test => test.Attribute("name")!.Value).ToList();
        Assert.Contains(tests, name => name.StartsWith("x64-vnni CPU-01: ", StringComparison.Ordinal));
        Assert.Single(XDocument.Load(_folder["j.xml"]).Descendants("testcase"), test =>
            test.Attribute("name")!.Value.StartsWith("x64-vnni CPU-04: ", StringComparison.Ordinal) && test.Element("skipped") is not null);
        Assert.Equal(
            Rules().Length,
            tests.Count);
        Assert.All(Rules(), id => Assert.Contains(tests, name => name.Contains($" {id}: ", StringComparison.Ordinal)));
    }

    [Fact]
    public void What_keeps_quantize_from_being_done_stands_in_its_files()
    {
        Loraops.Run([.. Quantize(_folder["absent.onnx"]), "--chip", "x64-vnni"]).Ended(4);

        var result = Assert.Single(Results());
        Assert.Equal("LORA1001", result.GetProperty("ruleId").GetString());
        var place = result.GetProperty("locations")[0].GetProperty("physicalLocation").GetProperty("artifactLocation");
        Assert.Equal("absent.onnx", place.GetProperty("uri").GetString());
        Assert.Single(XDocument.Load(_folder["j.xml"]).Descendants("failure"));
        Loraops.Run([.. Quantize(Model), "--chip", "x64-vnni"]).Ended(2);
    }

    [Fact]
    public void Run_writes_its_page_and_a_suite_for_each_job()
    {
        var text = File.ReadAllText(Fixtures.Path("bev-vit", "recipe.yaml"));
        foreach (var data in new[] { "onnx/", "hf/", "adapters/", "calibration/", "eval/", "reference/" })
            text = text.Replace(": " + data, $": {Fixtures.Path("bev-vit").Replace('\\', '/')}/{data}", StringComparison.Ordinal);

        File.WriteAllText(_folder["recipe.yaml"], text.Replace("cosine>=0.99,", "cosine>=0.9999999,", StringComparison.Ordinal));
        Loraops.Run([.. Reports("run", _folder["recipe.yaml"], "--only", "shanghai/x64-vnni"), "--report", _folder["r.html"]]).Ended(3);

        var suite = Assert.Single(XDocument.Load(_folder["j.xml"]).Descendants("testsuite"));
        Assert.Equal("shanghai/x64-vnni", suite.Attribute("name")!.Value);
        Assert.Equal(("1", "1"), (suite.Attribute("failures")!.Value, suite.Attribute("skipped")!.Value));
        Assert.Equal("cosine", Assert.Single(Results()).GetProperty("ruleId").GetString());
        Assert.Contains("0 of 1 bundles are published.", File.ReadAllText(_folder["r.html"]), StringComparison.Ordinal);
    }

    private string[] Quantize(string model) =>
    [
        .. Reports("quantize", model, "--calibration", Fixtures.Path("bev-vit", "calibration", "shanghai.safetensors"), "-o", _folder["out.onnx"]),
    ];

    private string[] Reports(params string[] args) => [.. args, "--junit", _folder["j.xml"], "--sarif", _folder["s.sarif"]];

    private JsonElement[] Results() => [.. Run().GetProperty("results").EnumerateArray()];

    private string[] Rules() =>
        [.. Run().GetProperty("tool").GetProperty("driver").GetProperty("rules").EnumerateArray().Select(rule => rule.GetProperty("id").GetString()!)];

    private JsonElement Run() => JsonDocument.Parse(File.ReadAllText(_folder["s.sarif"])).RootElement.GetProperty("runs")[0];
}
