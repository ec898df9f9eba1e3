using System.CommandLine;
using LoraOps.Bundles;
using LoraOps.Cli.Inspecting;
using LoraOps.Cli.Output;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops bundle verify DIR</c></summary>
internal sealed class BundleVerifyCommand : Verb
{
    private readonly Argument<string> _folder = new("DIR") { Description = "The bundle." };

    public BundleVerifyCommand()
        : base("verify", "Prove that a bundle is byte for byte what its maker wrote; exit 6 if it is not.")
    {
        Add(_folder);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var folder = parsed.GetRequiredValue(_folder);
        var problems = BundleVerifier.Verify(folder);
        return problems.Count == 0
            ? new Answer(BundleSheet.Of(folder).Add("verified", true))
            : new Answer(new Sheet().Add("path", folder).Add("verified", false), problems);
    }
}
