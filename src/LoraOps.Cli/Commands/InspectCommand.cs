using System.CommandLine;
using LoraOps.Cli.Inspecting;
using LoraOps.Cli.Output;
using LoraOps.Problems;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops inspect PATH</c></summary>
internal sealed class InspectCommand : Verb
{
    private const string Known = "an adapter, a checkpoint, an ONNX model, a data set or a bundle";

    private readonly Argument<string> _path = new("PATH") { Description = $"The file or folder: {Known}." };

    public InspectCommand()
        : base("inspect", $"Say what is in {Known}.")
    {
        Add(_path);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var path = parsed.GetRequiredValue(_path);
        if (!Path.Exists(path))
            throw new LoraOpsException(FileProblems.FileMissing(path));

        return new Answer(ArtifactKinds.Of(path) switch
        {
            ArtifactKind.Adapter => AdapterSheet.Of(path),
            ArtifactKind.Checkpoint => CheckpointSheet.OfCheckpoint(path),
            ArtifactKind.Samples => CheckpointSheet.OfSamples(path),
            ArtifactKind.Bundle => BundleSheet.Inspect(path),
            ArtifactKind.Array => CheckpointSheet.OfArray(path),
            ArtifactKind.Onnx => OnnxSheet.Of(Directory.Exists(path) ? Path.Combine(path, "model.onnx") : path),
            _ => throw new LoraOpsException(FileProblems.KindUnknown(path, Known)),
        });
    }
}
