using System.Text.Json;
using LoraOps.Cli.Reports.Checks;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Reports.Checks;

public sealed class SarifReportTests
{
    private static readonly string[] Levels = ["none", "note", "warning", "error"];

    [Fact]
    public void It_is_the_verified_text() => Verified.Text(SarifReport.Write(SampleChecks.All), "all");

    [Fact]
    public void It_has_what_2_1_0_and_code_hosts_require()
    {
        foreach (var list in HostileNames.All.Select(SampleChecks.Named).Append(SampleProof.Failed.Checks).Append(SampleProof.Bare.Checks))
        {
            var root = JsonDocument.Parse(SarifReport.Write(list)).RootElement;

            Assert.Equal("2.1.0", root.GetProperty("version").GetString());
            Assert.Contains("sarif-2.1.0", root.GetProperty("$schema").GetString(), StringComparison.Ordinal);
            var run = Assert.Single(root.GetProperty("runs").EnumerateArray().ToArray());
            var driver = run.GetProperty("tool").GetProperty("driver");
            Assert.Equal("loraops", driver.GetProperty("name").GetString());
            Assert.Matches(@"^\d+\.\d+\.\d+", driver.GetProperty("semanticVersion").GetString());
            var rules = driver.GetProperty("rules").EnumerateArray().ToArray();
            Assert.Distinct(rules.Select(rule => rule.GetProperty("id").GetString()));
            Assert.All(rules, rule => Assert.Contains(rule.GetProperty("defaultConfiguration").GetProperty("level").GetString(), Levels));
            Assert.All(rules, rule => Assert.NotEmpty(rule.GetProperty("shortDescription").GetProperty("text").GetString()!));
            var results = run.GetProperty("results").EnumerateArray().ToArray();
            Assert.Equal(list.Findings.Count, results.Length);
            Assert.All(results, result => Check(result, rules));
            Assert.Distinct(results.Select(Fingerprint));
        }
    }

    [Fact]
    public void A_fingerprint_does_not_hang_on_what_was_measured()
    {
        var one = SampleChecks.All;
        var suite = one.Suites[0];
        var other = one with { Suites = [suite with { Checks = [.. suite.Checks.Select(check => check with { What = "is 0.4" })] }] };

        Assert.Equal(Fingerprints(one), Fingerprints(other));
        Assert.NotEqual(Fingerprints(one), Fingerprints(SampleChecks.Named("another")));
    }

    private static void Check(JsonElement result, JsonElement[] rules)
    {
        Assert.Contains(result.GetProperty("level").GetString(), Levels);
        Assert.NotEmpty(result.GetProperty("message").GetProperty("text").GetString()!);
        if (result.TryGetProperty("ruleIndex", out var index))
            Assert.Equal(result.GetProperty("ruleId").GetString(), rules[index.GetInt32()].GetProperty("id").GetString());

        var place = Assert.Single(result.GetProperty("locations").EnumerateArray().ToArray()).GetProperty("physicalLocation");
        var uri = place.GetProperty("artifactLocation").GetProperty("uri").GetString()!;
        Assert.True(Uri.TryCreate(uri, UriKind.Relative, out _) && uri[0] != '/' && !uri.StartsWith("..", StringComparison.Ordinal), uri);
        Assert.Equal(1, place.GetProperty("region").GetProperty("startLine").GetInt32());
        Assert.Matches("^[0-9a-f]{32}:[0-9]+$", Fingerprint(result));
    }

    private static string Fingerprint(JsonElement result) => result.GetProperty("partialFingerprints").GetProperty("loraopsCheck/v1").GetString()!;

    private static string[] Fingerprints(CheckList list) =>
        [.. JsonDocument.Parse(SarifReport.Write(list)).RootElement.GetProperty("runs")[0].GetProperty("results").EnumerateArray().Select(Fingerprint)];
}
