using System.Diagnostics;
using LoraOps.Testing;

namespace LoraOps.House.Tests;

/// <summary>The files that git has or would take, by their path from the root with forward slashes.</summary>
internal static class Checkout
{
    /// <summary>Every file that is tracked, or new and not ignored.</summary>
    public static IReadOnlyList<string> Files { get; } = List();

    /// <summary>Every C# file under <c>src</c> and <c>tests</c>, parsed.</summary>
    public static IReadOnlyList<SourceFile> Sources { get; } =
        [.. Files.Where(f => f.EndsWith(".cs", StringComparison.Ordinal)).Select(f => new SourceFile(f, Text(f)))];

    /// <summary>The C# files under <c>src</c>.</summary>
    public static IEnumerable<SourceFile> Source => Sources.Where(f => f.Path.StartsWith("src/", StringComparison.Ordinal));

    /// <summary>The full path of a file.</summary>
    public static string Full(string path) => Path.Combine(Fixtures.Repository, path);

    /// <summary>The text of a file.</summary>
    public static string Text(string path) => File.ReadAllText(Full(path));

    // A file that git ignores (a build output, a run's result) is nobody's business here.
    private static List<string> List()
    {
        var start = new ProcessStartInfo("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        {
            WorkingDirectory = Fixtures.Repository,
            RedirectStandardOutput = true,
        };
        using var git = Process.Start(start) ?? throw new InvalidOperationException("git does not start.");
        var files = git.StandardOutput.ReadToEnd().Split('\0', StringSplitOptions.RemoveEmptyEntries);
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
        return [.. files.Where(f => File.Exists(Full(f))).Order(StringComparer.Ordinal)];
    }
}
