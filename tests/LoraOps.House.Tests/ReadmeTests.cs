using System.CommandLine;
using System.Reflection;
using LoraOps.Cli;
using LoraOps.Deltas;
using LoraOps.Mixing;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Mapping;
using LoraOps.Problems;
using LoraOps.Runtime.Parity;

namespace LoraOps.House.Tests;

/// <summary>What the README lists is what the code has.</summary>
public sealed class ReadmeTests
{
    private const string Readme = "README.md";

    [Fact]
    public void The_table_of_methods_lists_what_is_read() =>
        Same(AdapterMethods.All.Select(m => m.Name), MarkdownTable.Named(Readme, "methods").Rows.SelectMany(r => MarkdownTable.Codes(r[0])));

    [Fact]
    public void The_table_of_refused_methods_lists_each_with_its_reason() => Same(
        AdapterMethods.Refused.Select(m => $"{m.Key}: {m.Value}"),
        MarkdownTable.Named(Readme, "refused").Rows.SelectMany(r => MarkdownTable.Codes(r[1]).Select(name => $"{name}: {r[0]}")));

    [Fact]
    public void The_table_of_mixes_says_what_the_code_says() => Assert.Equal(
        string.Join('\n', MixMethods.All.Select(m => $"| `{m.Name}` | {m.Definition} | {m.Source} | {m.Cost} |")),
        string.Join('\n', MarkdownTable.Named(Readme, "mixes").Rows.Select(r => $"| {string.Join(" | ", r)} |")));

    [Fact]
    public void The_table_of_parameters_says_what_the_code_says() => Assert.Equal(
        string.Join('\n', MixParameters.All.Select(p => $"| `{p.Name}` | {p.Description} | {p.Allowed} |")),
        string.Join('\n', MarkdownTable.Named(Readme, "parameters").Rows.Select(r => $"| {string.Join(" | ", r)} |")));

    [Fact]
    public void The_table_of_chips_lists_the_profiles() =>
        Same(ChipProfiles.All.Select(c => c.Name), MarkdownTable.Named(Readme, "chips").Column(0));

    [Fact]
    public void The_table_of_evidence_lists_the_tiers_strongest_first() =>
        Assert.Equal(EvidenceTiers.All.Select(t => t.Name()), MarkdownTable.Named(Readme, "evidence").Column(0));

    [Fact]
    public void The_table_of_metrics_lists_the_metrics() =>
        Assert.Equal(Metrics.All.Select(m => m.Name), MarkdownTable.Named(Readme, "metrics").Column(0));

    // A form is a static class XForm in the folder Forms.
    [Fact]
    public void The_table_of_forms_lists_the_forms() => Same(
        House.Types.Where(t => t is { Namespace: "LoraOps.Onnx.Forms", IsAbstract: true, IsSealed: true })
            .Where(t => t.Name.EndsWith("Form", StringComparison.Ordinal))
            .Select(t => t.Name[..^"Form".Length].ToLowerInvariant()),
        MarkdownTable.Named(Readme, "forms").Column(0));

    [Fact]
    public void The_table_of_commands_lists_the_commands() =>
        Same(Leaves(Root(), ""), MarkdownTable.Named(Readme, "commands").Column(0));

    [Fact]
    public void Every_command_class_is_in_the_command_line()
    {
        var listed = All(Root()).Select(c => c.GetType()).ToHashSet();
        Rules.Empty(House.Types.Where(t => t.IsAssignableTo(typeof(Command)) && !t.IsAbstract && !listed.Contains(t)).Select(t => t.Name));
    }

    [Fact]
    public void The_table_of_exit_codes_lists_the_exit_codes() =>
        Same(Enum.GetValues<ExitCode>().Select(c => ((int)c).ToString()), MarkdownTable.Named(Readme, "exit codes").Column(0));

    [Fact]
    public void Every_problem_lies_in_one_range_of_the_table_and_leads_to_its_exit_code()
    {
        var ranges = MarkdownTable.Named(Readme, "problems").Rows
            .Select(r => (Ends: r[0].Trim('`').Split('–').Select(int.Parse).ToArray(), Exits: MarkdownTable.Codes(r[2]).Select(int.Parse).ToList()))
            .ToList();
        var codes = Enum.GetValues<ProblemCode>().Where(c => c != ProblemCode.None).ToList();
        Rules.Empty(codes.Where(c => ranges.Count(r => (int)c >= r.Ends[0] && (int)c <= r.Ends[1] && r.Exits.Contains((int)c.ExitCode())) != 1)
            .Select(c => $"{(int)c} {c} leads to {(int)c.ExitCode()}"));
        Rules.Empty(ranges.Where(r => !codes.Any(c => (int)c >= r.Ends[0] && (int)c <= r.Ends[1])).Select(r => $"{r.Ends[0]}: no code"));
    }

    private static void Same(IEnumerable<string> code, IEnumerable<string> readme) =>
        Assert.Equal(code.Order(StringComparer.Ordinal), readme.Order(StringComparer.Ordinal));

    private static Command Root()
    {
        var root = typeof(CommandLine).GetMethod("Root", BindingFlags.NonPublic | BindingFlags.Static)!;
        return (Command)root.Invoke(null, [.. root.GetParameters().Select(Made)])!;
    }

    // The command line makes its own options and its own terminal; neither changes which commands there are.
    private static object? Made(ParameterInfo parameter) =>
        parameter.ParameterType.GetProperty("None", BindingFlags.Public | BindingFlags.Static)?.GetValue(null)
            ?? Activator.CreateInstance(parameter.ParameterType, nonPublic: true);

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);

    private static IEnumerable<string> Leaves(Command command, string path) => command.Subcommands.Count == 0
        ? [path]
        : command.Subcommands.SelectMany(c => Leaves(c, $"{path} {c.Name}".Trim()));
}
