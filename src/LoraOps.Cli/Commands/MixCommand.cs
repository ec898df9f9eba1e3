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
    private readonly Option<string> _output = OutputPlace.Option("DIR", "The folder of the new adapter.");
    private readonly StoredType _type = new();
    private readonly Option<long?> _memory = ByteSize.Option("--memory", "The most memory that modules in work may take together; 1GiB if left out.");
    private readonly Option<bool> _overwrite = SharedOptions.Overwrite();
    private readonly Option<bool> _dryRun = SharedOptions.DryRun();

    public MixCommand()
        : base("mix", "Make one adapter of several, without a base model.")
    {
        _mix.AddTo(this);
        Add(_output);
        _type.AddTo(this);
        foreach (var option in new Option[] { _memory, _overwrite, _dryRun })
            Add(option);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop) => screen.WithStages(stages =>
    {
        stages.Begin("planning");
        var request = _mix.Request(parsed, parsed.GetRequiredValue(_output)) with
        {
            Type = _type.Of(parsed),
            Overwrite = parsed.GetValue(_overwrite),
        };
        if (parsed.GetValue(_memory) is { } memory)
            request = request with { MemoryBytes = memory };

        using var plan = MixPlan.Make(request);
        if (parsed.GetValue(_dryRun))
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
