using System.CommandLine;
using LoraOps.Cli.Output;

namespace LoraOps.Cli.Options;

/// <summary>The options that every command takes.</summary>
internal sealed class SharedOptions
{
    /// <summary>One JSON document on standard output.</summary>
    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Write one JSON document to standard output; everything else goes to standard error.",
        Recursive = true,
    };

    /// <summary>No progress and no warnings.</summary>
    public Option<bool> Quiet { get; } = new("--quiet", "-q") { Description = "No progress and no warnings.", Recursive = true };

    /// <summary>Details.</summary>
    public Option<bool> Verbose { get; } = new("--verbose", "-v") { Description = "Show details.", Recursive = true };

    /// <summary>When to use colours.</summary>
    public Option<string> Color { get; } = ColorOption();

    /// <summary>Gives them to every command below this one.</summary>
    public void AddTo(Command root)
    {
        root.Add(Json);
        root.Add(Quiet);
        root.Add(Verbose);
        root.Add(Color);
    }

    /// <summary>What the user wants to see. Found by looking, because a wrong command line wants its error in JSON, too.</summary>
    public Taste Read(ParseResult parsed) => new(
        parsed.GetResult(Json) is not null && parsed.GetValue(Json),
        parsed.GetValue(Quiet),
        parsed.GetValue(Verbose),
        parsed.GetResult(Color)?.Errors.Any() == true ? "auto" : parsed.GetValue(Color) ?? "auto");

    /// <summary>A new option that lets an existing output be replaced.</summary>
    public static Option<bool> Overwrite() => new("--overwrite") { Description = "Replace an existing output." };

    /// <summary>A new option that plans without doing.</summary>
    public static Option<bool> DryRun() => new("--dry-run") { Description = "Check everything and show what would be done; write nothing." };

    private static Option<string> ColorOption()
    {
        var option = new Option<string>("--color")
        {
            Description = "When to use colours; NO_COLOR is honoured.",
            HelpName = "auto|always|never",
            Recursive = true,
            DefaultValueFactory = _ => "auto",
        };
        return option.Among("auto", "always", "never");
    }
}
