using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

public sealed class RunCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_second_run_does_nothing_and_says_so()
    {
        string[] run = ["run", Recipe("cosine>=0.99"), "--only", "shanghai/x64-vnni"];

        var planned = Loraops.RunJson([.. run, "--dry-run"]);
        Assert.Equal(3, planned.GetProperty("steps").GetArrayLength());
        Assert.False(Path.Exists(_folder["out"]));

        var first = Loraops.RunJson(run);
        var job = Assert.Single(first.GetProperty("results").EnumerateArray().ToArray());
        Assert.Equal("built", job.GetProperty("status").GetString());
        Assert.True(job.GetProperty("int8Accuracy").GetDouble() > 0.9);
        Loraops.Run("bundle", "verify", _folder["out/shanghai-x64-vnni"]).Ended(0);

        var narrow = Loraops.RunOn(new(true, true, 80, WantsColor: false), default, run).Ended(0).Output;
        Assert.Contains(narrow.Split('\n'), line => line.Contains("shanghai", StringComparison.Ordinal) && line.Contains("kB", StringComparison.Ordinal));
        Assert.All(narrow.Split('\n'), line => Assert.InRange(line.TrimEnd().Length, 0, 80));

        var second = Loraops.Run(run).Ended(0);
        Assert.Contains("cached", second.Output, StringComparison.Ordinal);
        Assert.Contains("nothing was done", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missed_gate_exits_3_and_publishes_nothing()
    {
        var run = Loraops.Run("run", Recipe("cosine>=0.9999999"), "--only", "shanghai/x64-vnni").Ended(3);

        Assert.Contains("GATE FAILED", run.Output, StringComparison.Ordinal);
        Assert.Contains("LORA8001: ", run.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(_folder["out/shanghai-x64-vnni"]));
    }

    // The fixture's own recipe, written where the test may put its output.
    private string Recipe(string gate)
    {
        var text = File.ReadAllText(Fixtures.Path("bev-vit", "recipe.yaml"));
        foreach (var folder in new[] { "onnx/", "hf/", "adapters/", "calibration/", "eval/", "reference/" })
            text = text.Replace(": " + folder, $": {Fixtures.Path("bev-vit").Replace('\\', '/')}/{folder}", StringComparison.Ordinal);

        File.WriteAllText(_folder["recipe.yaml"], text.Replace("cosine>=0.99,", gate + ",", StringComparison.Ordinal));
        return _folder["recipe.yaml"];
    }
}
