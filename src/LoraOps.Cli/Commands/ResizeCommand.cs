using System.CommandLine;
using LoraOps.Cli.Inspecting;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Transforms;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops resize --adapter DIR --rank R -o DIR</c></summary>
internal sealed class ResizeCommand : Verb
{
    private const int BarSteps = 1000;
    private readonly OneAdapter _adapter = new("The base's weights, for DoRA and other methods whose change depends on them.");
    private readonly RankChoice _rank = new();
    private readonly StoredType _type = new();
    private readonly NewAdapter _new = new();

    public ResizeCommand()
        : base("resize", "Bring an adapter to other ranks: the best approximation of each module.")
    {
        _adapter.AddTo(this);
        _rank.AddTo(this);
        _type.AddTo(this);
        _new.AddTo(this);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop) => screen.WithStages(stages =>
    {
        stages.Begin("planning");
        var request = new ResizeRequest
        {
            Adapter = _adapter.Read(parsed),
            Base = _adapter.Base(parsed),
            Rank = _rank.Of(parsed),
            BudgetBytes = _rank.Budget(parsed),
            Type = _type.Of(parsed),
            Output = _new.Folder(parsed),
            MemoryBytes = _new.Memory(parsed),
            Overwrite = _new.Overwrites(parsed),
        };
        using var plan = ResizePlan.Make(request);
        stages.Begin($"choosing ranks of {plan.ModuleCount} modules", BarSteps);
        var ranks = plan.Choose(done => stages.Reach(BarSteps * (double)done / plan.ModuleCount), stop);
        var sheet = new Sheet()
            .Add("output", request.Output)
            .Add("written", !_new.IsDryRun(parsed))
            .Add("adapter", request.Adapter.Name)
            .Add("digest", Cell.Digest(request.Adapter.Digest))
            .Add("rule", _rank.Describe(parsed));
        if (_new.IsDryRun(parsed))
            return new Answer(sheet.AddPlanned(plan.Planned, ranks).AddNotes("warnings", plan.Warnings));

        stages.Begin($"resizing {plan.ModuleCount} modules", BarSteps);
        var summary = plan.Run(done => stages.Reach(BarSteps * (double)done / plan.ModuleCount), stop);
        return new Answer(sheet.AddTransformed(summary));
    });
}
