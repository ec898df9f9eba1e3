using System.CommandLine;
using System.Text.RegularExpressions;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Cli.Tests;

public sealed partial class CommandLineTests
{
    public static TheoryData<string> Commands() => [.. Names(CommandLine.Root(new SharedOptions(), Terminal.None), "")];

    [Theory]
    [MemberData(nameof(Commands))]
    public void Help_is_the_verified_text(string command)
    {
        var run = Loraops.Run([.. command.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--help"]).Ended(0);

        Assert.Empty(run.Error);
        Verified.Text(run.Output, "help-" + (command.Length == 0 ? "loraops" : command.Replace(' ', '-')));
    }

    [Fact]
    public void The_version_is_one_line_on_standard_output()
    {
        var run = Loraops.Run("--version").Ended(0);

        Assert.Matches(VersionLine(), run.Output);
        Assert.Empty(run.Error);
        Assert.Equal(run.Output.Trim(), Loraops.RunJson("--version").GetProperty("version").GetString());
    }

    [Fact]
    public void A_wrong_command_line_leaves_standard_output_empty()
    {
        var run = Loraops.Run("inspect").Ended(2);

        Assert.Empty(run.Output);
        Assert.Contains("loraops inspect --help", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_value_is_a_wrong_command_line()
    {
        var run = Loraops.Run("merge", "--base", "base", "--adapter", "adapter", "-o", "").Ended(2);

        Assert.Contains("one of its values is empty", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Raises(ProblemCode.Cancelled)]
    public void A_cancelled_command_exits_130()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();

        var run = Loraops.RunOn(Terminal.None, stop.Token, "inspect", "anything").Ended(130);

        Assert.Contains("LORA9002: loraops inspect: was cancelled", run.Error, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Names(Command command, string name) =>
        command.Subcommands.SelectMany(child => Names(child, $"{name} {child.Name}".Trim())).Prepend(name);

    [GeneratedRegex(@"^\d+\.\d+\.\d+\S*\r?\n$")]
    private static partial Regex VersionLine();
}
