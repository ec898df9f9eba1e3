using System.CommandLine;
using LoraOps.Cli.Output;
using LoraOps.Problems;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops inspect PATH</c></summary>
internal sealed class InspectCommand : Verb
{
    private readonly Argument<string> _path = new("PATH") { Description = "An adapter, checkpoint, ONNX model, data set or bundle." };

    public InspectCommand()
        : base("inspect", "Say what is in an adapter, a checkpoint, an ONNX model, a data set or a bundle.")
    {
        Add(_path);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var path = parsed.GetRequiredValue(_path);
        if (!Path.Exists(path))
            throw new LoraOpsException(FileProblems.FileMissing(path));

        throw new LoraOpsException(FileProblems.KindUnknown(path, "an adapter, checkpoint, ONNX model, data set or bundle"));
    }
}
