using System.CommandLine;

namespace LoraOps.Cli.Options;

/// <summary>Where a new adapter goes and how much memory its making may take.</summary>
internal sealed class NewAdapter
{
    private readonly Option<string> _output = OutputPlace.Option("DIR", "The folder of the new adapter.");
    private readonly Option<long?> _memory = ByteSize.Option("--memory", "The most memory that modules in work may take together; 1GiB if left out.");
    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();
    private readonly Option<bool> _dryRun = SharedOptions.DryRun();

    /// <summary>Gives the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _output, _memory, _overwrite, _dryRun })
            command.Add(option);
    }

    /// <summary>The folder.</summary>
    public string Folder(ParseResult parsed) => parsed.GetRequiredValue(_output);

    /// <summary>The bytes that modules in work may take together.</summary>
    public long Memory(ParseResult parsed) => parsed.GetValue(_memory) ?? 1L << 30;

    /// <summary>True if an existing folder may be replaced.</summary>
    public bool Overwrites(ParseResult parsed) => parsed.GetValue(_overwrite);

    /// <summary>True if nothing is to be written.</summary>
    public bool IsDryRun(ParseResult parsed) => parsed.GetValue(_dryRun);
}
