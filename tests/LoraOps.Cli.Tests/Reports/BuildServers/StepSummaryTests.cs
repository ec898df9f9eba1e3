using LoraOps.Cli.Output;
using LoraOps.Cli.Reports.BuildServers;
using LoraOps.Cli.Reports.Checks;
using LoraOps.Cli.Tests.Reports.Checks;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests.Reports.BuildServers;

public sealed class StepSummaryTests : IDisposable
{
    private const int MostBytes = 1 << 20;
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void It_is_the_verified_text()
    {
        var sheet = new Sheet().Add("samples", 4)
            .AddGrid("gates", ["gate", "measured"], [["cosine>=0.99", 0.5]])
            .AddGrid("hidden", ["x"], [["y"]], detail: true)
            .AddNotes("warnings", ["a|b"]);

        Verified.Text(string.Join('\n', StepSummary.Of(SampleChecks.All, sheet)), "all");
    }

    [Fact]
    public void No_name_breaks_out_of_its_cell()
    {
        foreach (var name in HostileNames.All)
        {
            var rows = StepSummary.Of(SampleChecks.Named(name), new Sheet()).Where(line => line.StartsWith("| ", StringComparison.Ordinal)).ToList();

            Assert.Equal(4, rows.Count);
            Assert.All(rows, row => Assert.Equal(7, row.Count(c => c == '|')));
            Assert.All(rows, row => Assert.DoesNotContain(row, c => char.IsControl(c) || c is '<' or '`' or '@'));
        }
    }

    [Fact]
    public void A_page_never_grows_beyond_what_the_server_takes()
    {
        var what = new string('汽', 100);
        var checks = Enumerable.Range(0, 5000).Select(at => new Check("cosine", $"gate {at}", Outcome.Failed) { Where = $"o{at}", What = what });
        var list = new CheckList("validate", [], [new CheckSuite("m.onnx", "m.onnx", [.. checks])]);
        using var error = new StringWriter();

        for (var i = 0; i < 3; i++)
            StepSummary.Append(_folder["s.md"], StepSummary.Of(list, new Sheet()), error);

        Assert.InRange(new FileInfo(_folder["s.md"]).Length, MostBytes / 2, MostBytes);
        Assert.Contains("does not fit", File.ReadAllText(_folder["s.md"]), StringComparison.Ordinal);
        StepSummary.Append(_folder["no/such/folder.md"], ["x"], error);
        Assert.Contains("warning: the summary", error.ToString(), StringComparison.Ordinal);
    }
}
