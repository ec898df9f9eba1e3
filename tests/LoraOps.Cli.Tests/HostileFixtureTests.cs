using System.Text.Json;
using System.Text.RegularExpressions;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests;

/// <summary>Every folder of fixtures/hostile is one way to be wrong: the command must say so, and leave nothing.</summary>
public sealed partial class HostileFixtureTests
{
    public static TheoryData<string> Cases() =>
        [.. Directory.EnumerateFiles(Fixtures.Path("hostile"), "case.json", SearchOption.AllDirectories)
            .Select(file => Path.GetFileName(Path.GetDirectoryName(file))!)
            .Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Is_refused_in_the_one_message_form_and_leaves_nothing(string name)
    {
        using var folder = new TemporaryFolder();
        var hostile = HostileCase.Load(name, folder.Path);
        var before = Snapshot(hostile.Folder);

        var run = Loraops.Run(hostile.Args);

        Assert.True(run.Exit == hostile.Exit, $"exit {run.Exit} instead of {hostile.Exit}: {run.Error}");
        Assert.Contains($"{hostile.Code}: ", run.Error, StringComparison.Ordinal);
        Assert.Contains(hostile.Contains, run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        var lines = run.Error.Split('\n').Where(line => line.StartsWith("LORA", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Matches(MessageForm(), line.TrimEnd('\r')));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
        Assert.Equal(before, Snapshot(hostile.Folder));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Is_refused_in_one_document(string name)
    {
        using var folder = new TemporaryFolder();
        var hostile = HostileCase.Load(name, folder.Path);

        var run = Loraops.Run([.. hostile.Args, "--json"]);

        Assert.Equal(hostile.Exit, run.Exit);
        Assert.False(run.Json.GetProperty("ok").GetBoolean());
        Assert.Equal(hostile.Exit, run.Json.GetProperty("exit").GetInt32());
        var problems = run.Json.GetProperty("problems").EnumerateArray().ToArray();
        Assert.Contains(problems, problem => problem.GetProperty("code").GetString() == hostile.Code);
        Assert.All(problems, problem => Assert.NotEqual("", problem.GetProperty("what").GetString()));
        Assert.All(problems, problem => Assert.NotEqual("", problem.GetProperty("advice").GetString()));
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }

    private static string[] Snapshot(string folder) =>
        [.. Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    // Code, where, what, and advice that ends a sentence.
    [GeneratedRegex(@"^LORA\d{4}: .+[^.]\. .+[.!]$")]
    private static partial Regex MessageForm();

    private sealed record HostileCase(string Folder, string[] Args, int Exit, string Code, string Contains)
    {
        public static HostileCase Load(string name, string output)
        {
            var folder = Fixtures.Path("hostile", name);
            var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "case.json"))).RootElement;
            var args = json.GetProperty("args").EnumerateArray().Select(arg => arg.GetString()!).ToArray();
            var words = args is ["bundle", ..] ? 2 : 1;
            return new HostileCase(
                folder,
                [.. args.Select((arg, index) => index < words ? arg : Resolve(arg, folder, output))],
                json.GetProperty("exit").GetInt32(),
                json.GetProperty("code").GetString()!,
                json.TryGetProperty("contains", out var contains) ? contains.GetString()! : "");
        }

        // The process keeps its own current folder: tests run side by side.
        private static string Resolve(string arg, string folder, string output)
        {
            var resolved = arg.Replace("{fixtures}", Fixtures.Path(), StringComparison.Ordinal)
                .Replace("{out}", output, StringComparison.Ordinal);
            if (resolved != arg || Path.IsPathRooted(arg))
                return resolved;

            var (name, path) = arg.Split('=', 2) is [var left, var right] && !arg.StartsWith('-') ? (left + "=", right) : ("", arg);
            var here = Path.Combine(folder, path);
            return path.Length > 0 && Path.Exists(here) ? name + here : arg;
        }
    }
}
