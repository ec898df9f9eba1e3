using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Commands;

/// <summary>loraops extract on the fixtures.</summary>
public sealed class ExtractCommandTests : IDisposable
{
    private static readonly string Folder = Fixtures.Path("mix", "extract", "grown-vocabulary");
    private readonly TemporaryFolder _folder = new();

    private string[] Args =>
        ["extract", "--base", Path.Combine(Folder, "base.safetensors"), "--tuned", Path.Combine(Folder, "finetuned.safetensors"), "-o", _folder["new"]];

    [Fact]
    public void A_difference_is_extracted_and_what_is_saved_whole_is_told()
    {
        var json = Loraops.RunJson([.. Args, "--rank", "4"]);

        Assert.True(json.GetProperty("written").GetBoolean());
        Assert.Equal(2, json.GetProperty("modules").GetInt32());
        Assert.InRange(json.GetProperty("error").GetDouble(), 0, 1e-6);
        Assert.Contains(json.GetProperty("replaced").EnumerateArray(), name => name.GetString() == "embed_tokens.weight");
        Assert.Contains("embed_tokens", File.ReadAllText(_folder["new/adapter_config.json"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--rank", "2")]
    [InlineData("--energy", "0.9", "--exclude", "norm", "--save-whole", "*q_proj")]
    public void A_dry_run_writes_nothing_and_an_existing_output_is_no_prey(params string[] rule)
    {
        Assert.False(Loraops.RunJson([.. Args, .. rule, "--dry-run"]).GetProperty("written").GetBoolean());
        Assert.False(Path.Exists(_folder["new"]));

        Loraops.Run([.. Args, .. rule]).Ended(0);
        Loraops.Run([.. Args, .. rule]).Ended(2);
        Loraops.Run([.. Args, .. rule, "--overwrite"]).Ended(0);
    }

    [Fact]
    public void No_rule_is_a_wrong_usage_and_no_difference_an_invalid_input()
    {
        Assert.Contains("no rule is given", Loraops.Run(Args).Ended(2).Error, StringComparison.Ordinal);

        var same = Path.Combine(Folder, "base.safetensors");
        var run = Loraops.Run("extract", "--base", same, "--tuned", same, "--rank", "2", "-o", _folder["new"]).Ended(4);
        Assert.Contains("LORA3041", run.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
