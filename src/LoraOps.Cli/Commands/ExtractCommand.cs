using System.CommandLine;
using LoraOps.Cli.Inspecting;
using LoraOps.Cli.Options;
using LoraOps.Cli.Output;
using LoraOps.Mixing;
using LoraOps.Transforms;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops extract --base DIR --tuned DIR --rank R -o DIR</c></summary>
internal sealed class ExtractCommand : Verb
{
    private const int BarSteps = 1000;
    private readonly Option<string> _base = Place("--base", "The model before training.");
    private readonly Option<string> _tuned = Place("--tuned", "The model after training.");
    private readonly Option<int?> _rank = RankChoice.Rank("The rank of every module, as far as it has so much.");
    private readonly Option<double?> _energy = RankChoice.Share("--energy", "Keep the fewest singular values whose squares are X of all squares.");
    private readonly Option<string[]> _include = Patterns("--include", "Only modules of these names; * stands for any text.");
    private readonly Option<string[]> _exclude = Patterns("--exclude", "No modules of these names.");
    private readonly Option<string[]> _whole = Patterns("--save-whole", "Store modules of these names whole instead of approximating them.");
    private readonly StoredType _type = new();
    private readonly NewAdapter _new = new();

    public ExtractCommand()
        : base("extract", "Make an adapter of the difference of two checkpoints.")
    {
        foreach (var option in new Option[] { _base, _tuned, _rank, _energy, _include, _exclude, _whole })
            Add(option);

        _type.AddTo(this);
        _new.AddTo(this);
        Validators.Add(result =>
        {
            if (result.GetResult(_rank) is null && result.GetResult(_energy) is null)
                result.AddError("no rule is given: --rank or --energy, or both");
        });
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop) => screen.WithStages(stages =>
    {
        stages.Begin("comparing");
        var request = new ExtractRequest
        {
            Base = parsed.GetRequiredValue(_base),
            Tuned = parsed.GetRequiredValue(_tuned),
            Rule = new RankRule(parsed.GetValue(_rank), parsed.GetValue(_energy)),
            Include = parsed.GetValue(_include) ?? [],
            Exclude = parsed.GetValue(_exclude) ?? [],
            SaveWhole = parsed.GetValue(_whole) ?? [],
            Type = _type.Of(parsed),
            Output = _new.Folder(parsed),
            MemoryBytes = _new.Memory(parsed),
            Overwrite = _new.Overwrites(parsed),
        };
        using var plan = ExtractPlan.Make(request, stop);
        var sheet = new Sheet()
            .Add("output", request.Output)
            .Add("written", !_new.IsDryRun(parsed))
            .Add("base", request.Base)
            .Add("tuned", request.Tuned);
        if (_new.IsDryRun(parsed))
            return new Answer(sheet.AddPlanned(plan.Planned).AddNotes("saved whole=replaced", plan.Replaced).AddNotes("warnings", plan.Warnings));

        stages.Begin($"extracting {plan.ModuleCount} modules", BarSteps);
        var summary = plan.Run(done => stages.Reach(BarSteps * (double)done / plan.ModuleCount), stop);
        return new Answer(sheet.AddTransformed(summary));
    });

    private static Option<string> Place(string name, string description) =>
        new(name) { Description = description, HelpName = "DIR|FILE", Required = true };

    private static Option<string[]> Patterns(string name, string description) => new(name) { Description = description, HelpName = "PATTERN" };
}
