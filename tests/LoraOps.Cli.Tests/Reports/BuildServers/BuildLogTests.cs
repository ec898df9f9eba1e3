using LoraOps.Cli.Output;
using LoraOps.Cli.Reports.BuildServers;
using LoraOps.Cli.Reports.Checks;
using LoraOps.Cli.Tests.Reports.Checks;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Reports.BuildServers;

public sealed class BuildLogTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("GITHUB_ACTIONS=true GITHUB_STEP_SUMMARY=s.md", BuildServerKind.GitHub)]
    [InlineData("TF_BUILD=True", BuildServerKind.Azure)]
    [InlineData("TEAMCITY_VERSION=2025.03", BuildServerKind.TeamCity)]
    [InlineData("GITLAB_CI=true CI=true", null)]
    [InlineData("GITHUB_ACTIONS= TF_BUILD=false", null)]
    public void The_environment_says_who_reads(string variables, BuildServerKind? kind)
    {
        var set = variables.Split(' ').Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);

        Assert.Equal(kind, BuildServer.Detect(set.GetValueOrDefault)?.Kind);
    }

    [Theory]
    [InlineData(BuildServerKind.GitHub, "::error file=out/int8.onnx,line=1,title=cosine /classifier/Gemm::int8.onnx: /classifier/Gemm is 0.5. Do not ship it.")]
    [InlineData(
        BuildServerKind.Azure,
        "##vso[task.logissue type=error;sourcepath=out/int8.onnx;linenumber=1;code=cosine;]cosine /classifier/Gemm: int8.onnx: /classifier/Gemm is 0.5. " +
        "Do not ship it.")]
    public void A_finding_is_a_line_of_the_servers_own_kind(BuildServerKind kind, string first) =>
        Assert.Equal(first, Told(kind, SampleChecks.All)[0]);

    [Fact]
    public void TeamCity_gets_a_problem_that_is_the_same_one_tomorrow()
    {
        var line = Told(BuildServerKind.TeamCity, SampleChecks.All)[0];

        Assert.StartsWith("##teamcity[buildProblem description='out/int8.onnx: cosine /classifier/Gemm: ", line, StringComparison.Ordinal);
        Assert.Matches("identity='[0-9a-f]{32}']$", line);
    }

    [Theory]
    [InlineData(BuildServerKind.GitHub, "::")]
    [InlineData(BuildServerKind.Azure, "##vso[")]
    [InlineData(BuildServerKind.TeamCity, "##teamcity[")]
    public void No_name_forges_a_line_of_its_own(BuildServerKind kind, string start)
    {
        foreach (var lines in HostileNames.All.Select(name => Told(kind, SampleChecks.Named(name))))
        {
            Assert.Equal(3, lines.Length);
            Assert.All(lines, line => Assert.StartsWith(start, line, StringComparison.Ordinal));
            Assert.All(lines, line => Assert.DoesNotContain(line, char.IsControl));
            Assert.All(lines, line => Assert.InRange(line.Length, 1, 60_000));
        }
    }

    [Fact]
    public void Properties_and_messages_are_escaped_as_each_server_wants()
    {
        var line = new LogLine(true, "a,b:c%.onnx", "X;1]", "t,i:t", "50% |'[x]\r\n汽");

        Assert.Equal("::error file=a%2Cb%3Ac%25.onnx,line=1,title=t%2Ci%3At::50%25 |'[x]%0D%0A汽", line.For(BuildServerKind.GitHub));
        Assert.Equal(
            "##vso[task.logissue type=error;sourcepath=a,b:c%AZP25.onnx;linenumber=1;code=X%3B1%5D;]t,i:t: 50%AZP25 |'[x]%0D%0A汽",
            line.For(BuildServerKind.Azure));
        Assert.Contains("50% |||'|[x|]|r|n|0x6C7D' identity", line.For(BuildServerKind.TeamCity), StringComparison.Ordinal);
    }

    [Fact]
    public void No_more_than_ten_errors_and_the_last_one_counts_the_rest()
    {
        var checks = Enumerable.Range(0, 25).Select(at => new Check("cosine", $"gate {at}", Outcome.Failed) { Where = $"o{at}" });
        var list = new CheckList("validate", [], [new CheckSuite("m.onnx", "m.onnx", [.. checks])]);

        var lines = Told(BuildServerKind.GitHub, list);

        Assert.Equal(10, lines.Length);
        Assert.Contains("title=16 more::", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_command_on_a_build_server_annotates_and_appends_to_the_page_of_the_step()
    {
        File.WriteAllText(_folder["summary.md"], "before\n");
        var terminal = Terminal.None with { Build = new BuildServer(BuildServerKind.GitHub, null, _folder["summary.md"]) };

        var missed = Loraops.RunOn(
            terminal, default, "validate", "--candidate", Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"),
            "--expected", Fixtures.Path("bev-vit", "reference", "shanghai.safetensors"), "--gate", "max-abs<=1e-4").Ended(3);
        var absent = Loraops.RunOn(terminal, default, "inspect", _folder["absent"]);

        Assert.Contains("::error file=model.onnx,line=1,title=max-abs<=0.0001::", missed.Error, StringComparison.Ordinal);
        Assert.Contains("::error file=absent,line=1,title=LORA", absent.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("::error", missed.Output, StringComparison.Ordinal);
        var page = File.ReadAllText(_folder["summary.md"]);
        Assert.StartsWith("before\n### ❌ loraops validate: 1 of 1 checks failed\n", page, StringComparison.Ordinal);
        Assert.Contains("| ❌ failed | model.onnx | max-abs |  | max-abs of ", page, StringComparison.Ordinal);
        Assert.Contains("#### gates\n", page, StringComparison.Ordinal);
    }

    private static string[] Told(BuildServerKind kind, CheckList list)
    {
        using var error = new StringWriter { NewLine = "\n" };
        BuildLog.Tell(new BuildServer(kind, null, null), error, list, new Sheet());
        return error.ToString().TrimEnd('\n').Split('\n');
    }
}
