using System.CommandLine;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops bundle create|verify</c></summary>
internal sealed class BundleCommand : Command
{
    public BundleCommand()
        : base("bundle", "Make what ships, and prove that nobody changed it.")
    {
        Add(new BundleCreateCommand());
        Add(new BundleVerifyCommand());
    }
}
