using System.CommandLine;
using LoraOps.Cli.Inspecting;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Transforms;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops mix --adapter DIR --adapter DIR --method NAME -o DIR</c></summary>
internal sealed class MixCommand : Verb
{
    private const int BarSteps = 1000;
    private readonly MixOptions _mix = new();
    private readonly StoredType _type = new();
    private readonly NewAdapter _new = new();

    public MixCommand()
        : base("mix", "Make one adapter of several, without a base model.")
    {
        _mix.AddTo(this);
        _type.AddTo(this);
        _new.AddTo(this);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop) => screen.WithStages(stages =>
    {
        stages.Begin("planning");
        var request = _mix.Request(parsed, _new.Folder(parsed)) with
        {
            Type = _type.Of(parsed),
            MemoryBytes = _new.Memory(parsed),
            Overwrite = _new.Overwrites(parsed),
        };
        using var plan = MixPlan.Make(request);
        if (_new.IsDryRun(parsed))
            return new Answer(Describe(request, isWritten: false).AddPlanned(plan.Planned).AddNotes("warnings", plan.Warnings));

        stages.Begin($"mixing {plan.ModuleCount} modules", BarSteps);
        var summary = plan.Run(done => stages.Reach(BarSteps * (double)done / plan.ModuleCount), stop);
        return new Answer(Describe(request, isWritten: true).AddTransformed(summary));
    });

    private static Sheet Describe(MixRequest request, bool isWritten) => new Sheet()
        .Add("output", request.Output)
        .Add("written", isWritten)
        .Add("method", request.PeftType ?? request.Method.Name)
        .Add("arithmetic", request.PeftType is null ? "exact" : "peft")
        .Add("definition", request.PeftType is null ? request.Method.Definition : "as PEFT's add_weighted_adapter computes it")
        .AddGrid("adapters", ["name", "weight", "digest"], request.Adapters.Select(source => new Cell[]
        {
            source.Adapter.Name, source.Weight, Cell.Digest(source.Adapter.Digest),
        }));
}
