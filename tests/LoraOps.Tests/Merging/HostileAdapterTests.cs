using System.Text.Json;
using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Readers.Peft;
using LoraOps.Testing;

namespace LoraOps.Tests.Merging;

/// <summary>The broken adapters and bases of fixtures/hostile, without the command line around them.</summary>
public sealed class HostileAdapterTests
{
    public static TheoryData<string> Cases => [.. Directory.GetDirectories(Fixtures.Path("hostile"))
        .Select(folder => Path.GetFileName(folder)!)
        .Where(name => name.StartsWith("LORA12", StringComparison.Ordinal) || name.StartsWith("LORA20", StringComparison.Ordinal) ||
            name.StartsWith("LORA300", StringComparison.Ordinal) || name.StartsWith("LORA302", StringComparison.Ordinal) ||
            name.StartsWith("LORA301", StringComparison.Ordinal))

        // Those with a graph are for convert.
        .Where(name => !File.Exists(Fixtures.Path("hostile", name, "model.onnx")))
        .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Is_refused_with_its_code(string name)
    {
        var folder = Fixtures.Path("hostile", name);
        using var output = new TemporaryFolder();
        var error = Assert.Throws<LoraOpsException>(() => Run(folder, output));
        Assert.Contains(error.Problems, problem => problem.Id == name[..8]);
        Assert.Equal(ExitCode.InvalidInput, error.ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(output.Path));
    }

    private static void Run(string folder, TemporaryFolder output)
    {
        var args = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "case.json"))).RootElement
            .GetProperty("args").EnumerateArray().Select(arg => arg.GetString()!).ToList();
        if (args[0] == "inspect")
        {
            PeftReader.Read(Path.Combine(folder, args[1]));
            return;
        }

        var options = new MergeOptions
        {
            MemoryBytes = Value(args, "--memory") is { } memory ? long.Parse(memory.TrimEnd('B')) : null,
            MaxShardBytes = Value(args, "--max-shard-size") is { } size ? long.Parse(size.TrimEnd('B')) : null,
        };
        var weight = Value(args, "--weights") is { } weights ? double.Parse(weights) : 1;
        var adapters = args.Index().Where(arg => arg.Item == "--adapter")
            .Select(arg => new AdapterSource(Path.Combine(folder, args[arg.Index + 1]), weight))
            .ToList();
        using var plan = MergePlan.Make(Path.Combine(folder, Value(args, "--base")!), adapters, output["m.safetensors"], options);
        plan.Run();
    }

    private static string? Value(List<string> args, string option) =>
        args.IndexOf(option) is >= 0 and var index ? args[index + 1] : null;
}
