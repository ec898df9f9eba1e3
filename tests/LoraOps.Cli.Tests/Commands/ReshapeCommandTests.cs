using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

/// <summary>loraops normalize and loraops resize on the fixtures.</summary>
public sealed class ReshapeCommandTests : IDisposable
{
    private static readonly string Patterns = Fixtures.Path("mix", "normalize", "rslora-patterns", "adapters", "a");
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public void An_adapter_is_normalized_and_what_is_written_is_told()
    {
        var json = Loraops.RunJson("normalize", "--adapter", Patterns, "-o", _folder["new"]);

        Assert.True(json.GetProperty("written").GetBoolean());
        Assert.Equal(json.GetProperty("modules").GetInt32(), json.GetProperty("ranks").GetArrayLength());
        Assert.Equal(0, json.GetProperty("error").GetDouble());
        var config = File.ReadAllText(_folder["new/adapter_config.json"]);
        Assert.Contains("\"rank_pattern\": {}", config, StringComparison.Ordinal);
        Assert.Contains("\"use_rslora\": false", config, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranks_are_kept_on_demand()
    {
        Loraops.Run("normalize", "--adapter", Patterns, "--keep-ranks", "-o", _folder["new"]).Ended(0);

        Assert.DoesNotContain("\"rank_pattern\": {}", File.ReadAllText(_folder["new/adapter_config.json"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("normalize")]
    [InlineData("resize", "--rank", "2")]
    [InlineData("resize", "--sv-fro", "0.9")]
    [InlineData("resize", "--budget", "100kB")]
    public void A_dry_run_writes_nothing_and_an_existing_output_is_no_prey(params string[] args)
    {
        string[] all = [.. args, "--adapter", Patterns, "-o", _folder["new"]];
        var json = Loraops.RunJson([.. all, "--dry-run"]);
        Assert.False(json.GetProperty("written").GetBoolean());
        Assert.False(Path.Exists(_folder["new"]));

        Loraops.Run(all).Ended(0);
        Loraops.Run(all).Ended(2);
        Loraops.Run([.. all, "--overwrite"]).Ended(0);
    }

    [Fact]
    public void A_resizing_tells_ranks_and_errors()
    {
        var json = Loraops.RunJson(
            "resize", "--adapter", Fixtures.Path("mix", "resize", "sv-ratio-1", "adapters", "a"), "--sv-ratio", "3", "--rank", "8", "-o", _folder["new"]);

        Assert.Equal("rank 8, sv-ratio 3 (kohya)", json.GetProperty("rule").GetString());
        var ranks = json.GetProperty("ranks").EnumerateArray().Select(module => module.GetProperty("rank").GetInt32());
        Assert.Equal([4, 4, 3, 2], ranks.OrderDescending());
        Assert.InRange(json.GetProperty("error").GetDouble(), 0.05, 0.3);
    }

    [Theory]
    [InlineData("no rule is given")]
    [InlineData("two rules", "--sv-ratio", "3", "--energy", "0.5")]
    [InlineData("--rank '0' is not allowed", "--rank", "0")]
    [InlineData("--sv-fro '2' is not allowed", "--sv-fro", "2")]
    [InlineData("--energy 'much' is not allowed", "--energy", "much")]
    public void A_rule_that_makes_no_sense_is_a_wrong_usage(string message, params string[] args) =>
        Assert.Contains(message, Loraops.Run(["resize", "--adapter", Patterns, "-o", _folder["new"], .. args]).Ended(2).Error, StringComparison.Ordinal);

    public void Dispose() => _folder.Dispose();
}
