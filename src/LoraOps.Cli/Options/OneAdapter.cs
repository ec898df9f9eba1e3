using System.CommandLine;
using LoraOps.Adapters;
using LoraOps.Problems;
using LoraOps.Readers.Peft;

namespace LoraOps.Cli.Options;

/// <summary>The adapter that a command makes another one of, and the base that it may need.</summary>
/// <param name="whyBase">What the base is for.</param>
internal sealed class OneAdapter(string whyBase)
{
    private readonly Option<string> _adapter = new("--adapter")
    {
        Description = "The adapter's folder, or one file of kohya or diffusers.",
        HelpName = "DIR|FILE",
        Required = true,
    };

    private readonly Option<string?> _base = new("--base") { Description = whyBase, HelpName = "DIR|FILE" };

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        command.Add(_adapter);
        command.Add(_base);
    }

    /// <summary>The adapter.</summary>
    /// <exception cref="LoraOpsException">It is wrong.</exception>
    public Adapter Read(ParseResult parsed) => PeftReader.Read(parsed.GetRequiredValue(_adapter));

    /// <summary>The base's place, or null.</summary>
    public string? Base(ParseResult parsed) => parsed.GetValue(_base);
}
