using System.CommandLine;
using LoraOps.Cli.Inspecting;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Merging;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops merge --base DIR|FILE --adapter DIR -o DIR|FILE</c></summary>
internal sealed class MergeCommand : Verb
{
    private const int BarSteps = 1000;

    private readonly Option<string> _base = new("--base")
    {
        Description = "The base's weights: a safetensors file (with the config.json beside it), an index, or a folder.",
        HelpName = "DIR|FILE",
        Required = true,
    };

    private readonly AdapterOptions _adapters = new();
    private readonly Option<string> _output = OutputPlace.Option("DIR|FILE", "A path that ends in .safetensors is one file, any other a folder.");

    private readonly Option<string> _arithmetic = new Option<string>("--arithmetic")
    {
        Description = "exact: rounded once. peft: as merge_and_unload does it.",
        DefaultValueFactory = _ => "exact",
    }.Among("exact", "peft");

    private readonly Option<long?> _memory = ByteSize.Option(
        "--memory", "The most memory that the merge may take, about 96 MB of it the runtime's; for example 512MB.");
    private readonly Option<long?> _maxShardSize = ByteSize.Option("--max-shard-size", "Cut the output into files of at most this size.");

    private readonly Option<bool> _allowUnmatched = new("--allow-unmatched")
    {
        Description = "Leave out, with a warning, what the base has no tensor for.",
    };

    private readonly Option<bool> _residualBase = new("--residual-base")
    {
        Description = "The base is the one that PiSSA, OLoRA … left behind.",
    };

    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();
    private readonly Option<bool> _dryRun = SharedOptions.DryRun();

    public MergeCommand()
        : base("merge", "Put adapters into the weights of their base.")
    {
        Add(_base);
        _adapters.AddTo(this);
        foreach (var option in new Option[]
            { _output, _arithmetic, _memory, _maxShardSize, _allowUnmatched, _residualBase, _overwrite, _dryRun })
            Add(option);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop) => screen.WithStages(stages =>
    {
        stages.Begin("planning");
        var isDryRun = parsed.GetValue(_dryRun);
        using var plan = MergePlan.Make(
            parsed.GetRequiredValue(_base), _adapters.Sources(parsed), parsed.GetRequiredValue(_output), Settings(parsed));
        var sheet = Describe(plan.Summary, !isDryRun);
        if (isDryRun)
        {
            stages.Begin($"measuring {plan.Summary.Changed.Count} tensors", BarSteps);
            return new Answer(sheet.AddUnmatched(plan.Summary).AddMeasures(plan.Measure(share => stages.Reach(BarSteps * share), stop)));
        }

        stages.Begin($"merging {plan.Summary.Changed.Count} tensors", BarSteps);
        var total = Math.Max(1, plan.Summary.TotalBytes);
        plan.Run(written => stages.Reach(BarSteps * (double)written / total), stop);
        return new Answer(sheet);
    });

    private MergeOptions Settings(ParseResult parsed) => new()
    {
        Arithmetic = parsed.GetValue(_arithmetic) == "peft" ? MergeArithmetic.Peft : MergeArithmetic.Exact,
        MemoryBytes = parsed.GetValue(_memory),
        MaxShardBytes = parsed.GetValue(_maxShardSize),
        AllowUnmatched = parsed.GetValue(_allowUnmatched),
        ResidualBase = parsed.GetValue(_residualBase),
        Overwrite = parsed.GetValue(_overwrite),
    };

    private static Sheet Describe(MergeSummary summary, bool isWritten) => new Sheet()
        .Add("output", summary.Output)
        .Add("written", isWritten)
        .Add("base", summary.Base)
        .Add("arithmetic", summary.Arithmetic)
        .Add("dequantised", summary.Dequantised, detail: summary.Dequantised is null)
        .Add("changed", summary.Changed.Count)
        .Add("unchanged", summary.Unchanged)
        .Add("bytes", Cell.Bytes(summary.TotalBytes))
        .Add("peak bytes", Cell.Bytes(summary.PeakBytes))
        .Add("unties", summary.Unties)
        .AddGrid("adapters", ["name", "weight", "digest"], summary.Adapters.Select(adapter => new Cell[]
        {
            adapter.Name, adapter.Weight, Cell.Digest(adapter.Digest),
        }))
        .AddGrid("files", ["file", "tensors", "bytes"], summary.Files.Select(file => new Cell[]
        {
            file.Name, file.Tensors, Cell.Bytes(file.Bytes),
        }))
        .AddTensors(summary)
        .AddNotes("warnings", summary.Warnings);
}
