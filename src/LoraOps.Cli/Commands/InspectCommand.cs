using System.CommandLine;
using LoraOps.Adapters;
using LoraOps.Cli.Inspecting;
using LoraOps.Cli.Output;
using LoraOps.Merging;
using LoraOps.Problems;
using LoraOps.Readers.Peft;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops inspect PATH</c></summary>
internal sealed class InspectCommand : Verb
{
    private const string Known = "an adapter, a checkpoint, an ONNX model, an .onnx_adapter, a data set, a file of ranges, a hand-off file or a bundle";

    private const int BarSteps = 1000;

    private readonly Option<string?> _base = new("--base")
    {
        Description = "PATH is an adapter: say what it would do to this base, a safetensors file, an index or a folder.",
        HelpName = "DIR|FILE",
    };

    private readonly Argument<string> _path = new("PATH") { Description = $"The file or folder: {Known}." };

    public InspectCommand()
        : base("inspect", $"Say what is in {Known}.")
    {
        Add(_path);
        Add(_base);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var path = parsed.GetRequiredValue(_path);
        if (!Path.Exists(path))
            throw new LoraOpsException(FileProblems.FileMissing(path));

        if (parsed.GetValue(_base) is { } weights)
            return screen.WithStages(stages => OnBase(path, weights, stages, stop));

        return new Answer(ArtifactKinds.Of(path) switch
        {
            ArtifactKind.Adapter => AdapterSheet.Of(path),
            ArtifactKind.Checkpoint when PeftReader.IsBare(path) => AdapterSheet.Of(path),
            ArtifactKind.Checkpoint => CheckpointSheet.OfCheckpoint(path),
            ArtifactKind.Torch => CheckpointSheet.OfTorch(path),
            ArtifactKind.Samples => CheckpointSheet.OfSamples(path),
            ArtifactKind.Bundle => BundleSheet.Inspect(path),
            ArtifactKind.Array => CheckpointSheet.OfArray(path),
            ArtifactKind.OnnxAdapter => OnnxAdapterSheet.Of(path),
            ArtifactKind.Ranges => RangesSheet.Of(path),
            ArtifactKind.HandOff => HandOffSheet.Of(path),
            ArtifactKind.Onnx => OnnxSheet.Of(Directory.Exists(path) ? Path.Combine(path, "model.onnx") : path),
            _ => throw new LoraOpsException(FileProblems.KindUnknown(path, Known)),
        });
    }

    // What is wrong with the two together is told beside what can be said about the adapter alone.
    private static Answer OnBase(string path, string weights, Stages stages, CancellationToken stop)
    {
        stages.Begin("planning");
        var adapter = AdapterSheet.Read(path);
        var sheet = AdapterSheet.Of(path, adapter);
        try
        {
            using var plan = MergePlan.Preview(weights, [new WeightedAdapter(adapter)], new MergeOptions { ResidualBase = true });
            stages.Begin($"measuring {plan.Summary.Changed.Count} tensors", BarSteps);
            var measures = plan.Measure(share => stages.Reach(BarSteps * share), stop);
            return new Answer(sheet
                .Add("base", plan.Summary.Base)
                .Add("dequantised", plan.Summary.Dequantised, detail: plan.Summary.Dequantised is null)
                .Add("changed", plan.Summary.Changed.Count)
                .Add("unchanged", plan.Summary.Unchanged)
                .Add("memory needed", Cell.Bytes(plan.Summary.PeakBytes))
                .Add("disk needed", Cell.Bytes(plan.Summary.TotalBytes))
                .AddMeasures(measures)
                .AddTensors(plan.Summary)
                .AddUnmatched(plan.Summary)
                .AddNotes("merge warnings", plan.Summary.Warnings));
        }
        catch (LoraOpsException error)
        {
            return new Answer(sheet.Add("base", weights), error.Problems);
        }
    }
}
