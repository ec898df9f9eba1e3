using System.CommandLine;
using LoraOps.Cli.Inspecting;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Transforms;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops normalize --adapter DIR -o DIR</c></summary>
internal sealed class NormalizeCommand : Verb
{
    private const int BarSteps = 1000;
    private readonly OneAdapter _adapter = new("The base's weights, for methods whose factors depend on them.");
    private readonly Option<bool> _keepRanks = new("--keep-ranks")
    {
        Description = "Let modules keep their ranks, in rank_pattern, instead of filling all up to the largest.",
    };

    private readonly NewAdapter _new = new();

    public NormalizeCommand()
        : base("normalize", "Bring an adapter into the form that every server reads right, without changing what it does.")
    {
        _adapter.AddTo(this);
        Add(_keepRanks);
        _new.AddTo(this);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop) => screen.WithStages(stages =>
    {
        stages.Begin("planning");
        var request = new NormalizeRequest
        {
            Adapter = _adapter.Read(parsed),
            Base = _adapter.Base(parsed),
            KeepsRanks = parsed.GetValue(_keepRanks),
            Output = _new.Folder(parsed),
            MemoryBytes = _new.Memory(parsed),
            Overwrite = _new.Overwrites(parsed),
        };
        using var plan = NormalizePlan.Make(request);
        if (_new.IsDryRun(parsed))
            return new Answer(Describe(request, isWritten: false).AddPlanned(plan.Planned).AddNotes("warnings", plan.Warnings));

        stages.Begin($"normalizing {plan.ModuleCount} modules", BarSteps);
        var summary = plan.Run(done => stages.Reach(BarSteps * (double)done / plan.ModuleCount), stop);
        return new Answer(Describe(request, isWritten: true).AddTransformed(summary));
    });

    private static Sheet Describe(NormalizeRequest request, bool isWritten) => new Sheet()
        .Add("output", request.Output)
        .Add("written", isWritten)
        .Add("adapter", request.Adapter.Name)
        .Add("digest", Cell.Digest(request.Adapter.Digest));
}
