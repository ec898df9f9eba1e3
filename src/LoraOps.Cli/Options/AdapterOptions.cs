using System.CommandLine;
using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Readers.Peft;

namespace LoraOps.Cli.Options;

/// <summary>The adapters of a command and their weights.</summary>
internal sealed class AdapterOptions(bool required = true, string several = "several are added up")
{
    private readonly Option<string[]> _adapters = new("--adapter")
    {
        Description = $"An adapter's folder, or one file of kohya or diffusers, with a name of its own if wanted; {several}.",
        HelpName = "[NAME=]DIR|FILE",
        Required = required,
    };

    private readonly Option<string?> _weights = new("--weights")
    {
        Description = "One factor per adapter; 1 for each if left out.",
        HelpName = "W,W",
    };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_adapters);
        command.Add(_weights);
        command.Validators.Add(result =>
        {
            if (result.GetResult(_weights) is not { Tokens: [.., var given] })
                return;

            var adapters = result.GetResult(_adapters)?.Tokens.Count ?? 0;
            var weights = given.Value.Split(',');
            if (weights.Any(weight => Weight(weight) is null))
                result.AddError($"--weights '{given.Value}' is no list of finite numbers such as 0.7,0.3");
            else if (weights.Length != adapters)
                result.AddError($"--weights has {weights.Length} numbers for {adapters} adapters");
        });
    }

    /// <summary>Reads every adapter; what is wrong with any of them is told at once.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="residualBase">The base is the one that PiSSA, OLoRA … left behind.</param>
    /// <exception cref="LoraOpsException">An adapter is wrong.</exception>
    public IReadOnlyList<WeightedAdapter> Read(ParseResult parsed, bool residualBase = false) => AdapterSources.Read(Sources(parsed), residualBase);

    /// <summary>Folders, names and weights as given, for a command that reads the adapters itself.</summary>
    public IReadOnlyList<AdapterSource> Sources(ParseResult parsed)
    {
        var weights = parsed.GetValue(_weights)?.Split(',');
        return [.. (parsed.GetValue(_adapters) ?? []).Select((text, index) =>
        {
            var (name, folder) = Split(text);
            return new AdapterSource(folder, weights is null ? 1 : Weight(weights[index]) ?? 1, name);
        })];
    }

    /// <summary>The folders as given, to tell inputs from outputs.</summary>
    public IEnumerable<string> Folders(ParseResult parsed) => Sources(parsed).Select(source => source.Folder);

    // A folder may have an equals sign in its own name.
    private static (string? Name, string Folder) Split(string text) =>
        !Path.Exists(text) && text.Split('=', 2) is [{ Length: > 0 } name, { Length: > 0 } folder] ? (name, folder) : (null, text);

    private static double? Weight(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var weight) && double.IsFinite(weight) ? weight : null;
}
