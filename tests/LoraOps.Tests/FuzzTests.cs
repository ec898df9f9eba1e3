using LoraOps.Fuzz;
using LoraOps.Testing;

namespace LoraOps.Tests;

/// <summary>A short run of <c>tests/LoraOps.Fuzz</c>; the command runs for as long as one likes.</summary>
public sealed class FuzzTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    public void Mutated_files_are_read_or_refused(int seed)
    {
        using var folder = new TemporaryFolder();
        using var log = new StringWriter();

        // The machine may be busy with other tests: only the command is strict about time.
        var options = new FuzzOptions
        {
            Seed = seed, Cases = 1500, Time = TimeSpan.FromMinutes(5), Patience = TimeSpan.FromMinutes(1), UsesShared = false, IsAlone = false,
            Findings = folder.Path,
        };

        Assert.True(FuzzRun.Execute(options, log), log.ToString());
        Assert.Contains("1500 cases", log.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void One_seed_makes_the_same_cases()
    {
        string Run()
        {
            using var log = new StringWriter();
            FuzzRun.Execute(new FuzzOptions { Seed = 5, Cases = 50, First = 7, UsesShared = false, IsAlone = false, Only = "safetensors" }, log);
            return string.Join('\n', log.ToString().Split('\n').Where(line => !line.Contains("allocated", StringComparison.Ordinal)));
        }

        Assert.Equal(Run(), Run());
    }

    [Fact]
    public void Refuses_a_command_line_that_it_does_not_know()
    {
        Assert.Null(FuzzOptions.Parse(["--seed"]));
        Assert.Null(FuzzOptions.Parse(["--seed", "x"]));
        Assert.Null(FuzzOptions.Parse(["--sed", "1"]));
        Assert.Equal(30, FuzzOptions.Parse(["--no-shared", "--minutes", "0.5"])!.Time.TotalSeconds);
    }
}
