using System.Text;
using System.Text.RegularExpressions;
using LoraOps.Cli;
using LoraOps.Testing;

namespace LoraOps.House.Tests;

/// <summary>The README is run: each command prints what the page says, and its C# compiles and runs.</summary>
public sealed partial class SnippetTests
{
    [GeneratedRegex(@"<!-- run(?<vary>: figures vary)? -->\n```console\n(?<text>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Console();

    [GeneratedRegex(@"<!-- snippet: (?<file>\S+) -->\n```csharp\n(?<text>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Snippet();

    // Times differ from run to run; measured figures from processor to processor.
    [GeneratedRegex(@"\d+(\.\d+)? ?(ms|s|min)\b")]
    private static partial Regex Time();

    [GeneratedRegex(@"\b[0-9a-f]{16}\b|[−+-]?\d+(\.\d+)?(E[−+-]?\d+)?")]
    private static partial Regex Figure();

    [GeneratedRegex(@" {2,}|─+")]
    private static partial Regex Gap();

    [GeneratedRegex(@"'([^']*)'|(\S+)")]
    private static partial Regex Word();

    [Fact]
    public void Every_command_of_the_README_prints_what_the_README_says()
    {
        var readme = Checkout.Text("README.md");
        Assert.NotEmpty(Console().Matches(readme));
        using var folder = new TemporaryFolder();
        CopyFixtures(folder["fixtures"]);
        var home = Directory.GetCurrentDirectory();
        Directory.SetCurrentDirectory(folder.Path);
        var wrong = new List<string>();
        string real;
        try
        {
            real = Console().Replace(readme, block =>
            {
                var (said, vary) = (block.Groups["text"].Value, block.Groups["vary"].Success);
                var shown = Replay(said);
                if (Masked(said, vary) == Masked(shown, vary))
                    return block.Value;

                wrong.Add(said.Split('\n')[0]);
                return block.Value.Replace(said, shown, StringComparison.Ordinal);
            });
        }
        finally
        {
            Directory.SetCurrentDirectory(home);
        }

        // The page as it should be, to look at and to copy.
        Directory.CreateDirectory(Checkout.Full("artifacts"));
        File.WriteAllText(Checkout.Full("artifacts/README.md"), real);
        Rules.Empty(wrong.Select(command => $"{command}: prints something else; artifacts/README.md has it"));
    }

    [Fact]
    public void The_library_snippet_of_the_README_is_the_one_that_compiles()
    {
        var snippets = Snippet().Matches(Checkout.Text("README.md"));
        Assert.NotEmpty(snippets);
        foreach (Match snippet in snippets)
        {
            var source = Checkout.Text(snippet.Groups["file"].Value);
            var body = source[source.IndexOf("    {\n", StringComparison.Ordinal)..source.IndexOf("\n    }\n", StringComparison.Ordinal)];
            var lines = body.Split('\n').Skip(1).Select(l => l.Length > 8 ? l[8..] : "");
            Assert.Equal(string.Join('\n', lines), snippet.Groups["text"].Value.TrimEnd());
        }
    }

    [Fact]
    public void The_library_snippet_of_the_README_runs()
    {
        using var folder = new TemporaryFolder();
        LibraryUse.Merge(Fixtures.Path("bev-vit"), folder["merged.onnx"]);
        Assert.True(File.Exists(folder["merged.onnx"]));

        string[] cities = ["shanghai", "guangzhou", "guangzhou-patterns", "chengdu"];
        string[] command =
        [
            "convert", "--model", Fixtures.Path("bev-vit", "onnx", "torchscript", "model.onnx"), "--form", "inputs", "-o", folder["city"],
            .. cities.SelectMany(city => new[] { "--adapter", Fixtures.Path("bev-vit", "adapters", city) }),
        ];
        Assert.Equal(0, CommandLine.Run(command, TextWriter.Null, TextWriter.Null));
        File.Copy(Fixtures.Path("city-switch", "routes.json"), Path.Combine(folder["city"], "routes.json"));
        SwitchUse.Serve(folder["city"], new float[64]);
    }

    // What a terminal would show: each command after its prompt, then both streams.
    private static string Replay(string text)
    {
        var shown = new StringBuilder();
        foreach (var line in text.Split('\n').Where(l => l.StartsWith("$ loraops ", StringComparison.Ordinal)))
        {
            using var screen = new StringWriter { NewLine = "\n" };
            string[] args = [.. Word().Matches(line["$ loraops ".Length..]).Select(m => m.Groups[1].Success ? m.Groups[1].Value : m.Value)];
            CommandLine.Run(args, screen, screen);
            shown.Append(line).Append('\n').Append(screen);
        }

        return string.Join('\n', shown.ToString().TrimEnd().Split('\n').Select(l => l.TrimEnd())) + "\n";
    }

    private static string Masked(string text, bool figures)
    {
        var masked = Time().Replace(text, "TIME");
        if (figures)
            masked = Figure().Replace(masked, "0");

        // Columns are as wide as their widest figure, and only slow machines tell how far they are.
        return string.Join('\n', masked.TrimEnd().Split('\n')
            .Where(line => !line.EndsWith(" left", StringComparison.Ordinal))
            .Select(line => Gap().Replace(line.TrimEnd(), " ")));
    }

    private static void CopyFixtures(string target)
    {
        foreach (var file in Checkout.Files.Where(f => f.StartsWith("fixtures/", StringComparison.Ordinal)))
        {
            var copy = Path.Combine(target, file["fixtures/".Length..]);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Checkout.Full(file), copy);
        }
    }
}
