using System.Text.Json;
using LoraOps.Problems;
using LoraOps.Readers.Safetensors;
using LoraOps.Readers.Samples;
using LoraOps.Testing;

namespace LoraOps.Tests.Readers;

/// <summary>Each folder fixtures/hostile/LORA11* raises its own problem, and only that one, in the reader that it is for.</summary>
public sealed class HostileFixturesTests
{
    public static TheoryData<string> Cases =>
        [.. Directory.EnumerateDirectories(Fixtures.Path("hostile"), "LORA11*").Select(folder => Path.GetFileName(folder)!).Order()];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Raises_its_problem(string name)
    {
        var folder = Fixtures.Path("hostile", name);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "case.json")));
        var args = json.RootElement.GetProperty("args").EnumerateArray().Select(arg => arg.GetString()!).ToList();
        var error = Assert.Throws<LoraOpsException>(() => Open(folder, args));
        var problem = Assert.Single(error.Problems);
        Assert.Equal(name[..8], problem.Id);
        Assert.StartsWith(folder, problem.Where, StringComparison.Ordinal);
        Assert.Equal(ExitCode.InvalidInput, error.ExitCode);
    }

    private static void Open(string folder, List<string> args)
    {
        switch (args[0])
        {
            case "inspect":
                SafetensorsFile.Open(Path.Combine(folder, args[1])).Dispose();
                break;
            case "merge":
                Checkpoint.Open(Path.Combine(folder, "base")).Dispose();
                break;
            default:
                SampleSet.Open(Path.Combine(folder, "data"));
                break;
        }
    }
}
