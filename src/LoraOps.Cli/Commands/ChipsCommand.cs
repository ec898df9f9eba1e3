using System.CommandLine;
using LoraOps.Cli.Output;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Cli.Commands;

/// <summary><c>loraops chips [NAME] [--model MODEL.onnx]</c></summary>
internal sealed class ChipsCommand : Verb
{
    private readonly Argument<string?> _name = new("NAME")
    {
        Description = "A chip, or a profile of your own (.json); all chips if left out.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _model = new("--model")
    {
        Description = "Check this model against the rules; exit 5 if a rule that is an error is broken.",
        HelpName = "MODEL.onnx",
    };

    public ChipsCommand()
        : base("chips", "List the chips and their rules, or check a model against them.")
    {
        Add(_name);
        Add(_model);
    }

    /// <inheritdoc/>
    public override Answer Run(ParseResult parsed, Screen screen, CancellationToken stop)
    {
        var name = parsed.GetValue(_name);
        IReadOnlyList<ChipProfile> chips = name is null ? ChipProfiles.All : [ChipProfiles.Find(name)];
        if (parsed.GetValue(_model) is { } model)
            return Check(OnnxModel.Load(model), chips);

        return new Answer(name is null ? Overview(chips) : Profile(chips[0]));
    }

    private static Sheet Overview(IReadOnlyList<ChipProfile> chips) => new Sheet()
        .AddGrid(
            "chips",
            ["name", "vendor", "sdk", "activations", "weights", "bias", "opset", "description"],
            chips.Select(chip => new Cell[]
            {
                chip.Name, chip.Vendor, chip.Sdk, Activations(chip), Weights(chip), chip.Bias.ToString().ToLowerInvariant(), Opset(chip), chip.Description,
            }))
        .AddGrid("rules", ["id", "demand", .. chips.Select(chip => chip.Name)], ChipRules.All.Select(rule =>
            chips.Select(chip => SeverityOf(chip, rule.Id)).Prepend((Cell)rule.Demand).Prepend((Cell)rule.Id).ToArray()));

    private static Sheet Profile(ChipProfile chip) => new Sheet()
        .Add("name", chip.Name)
        .Add("vendor", chip.Vendor)
        .Add("sdk", chip.Sdk)
        .Add("description", chip.Description)
        .Add("activations", Activations(chip))
        .Add("weights", Weights(chip))
        .Add("bias", chip.Bias.ToString().ToLowerInvariant())
        .Add("opset", Opset(chip))
        .Add("max ir version", chip.MaxIrVersion)
        .Add("quantized operators", Cell.List(chip.WeightedOps))
        .AddGrid("rules", ["id", "severity", "demand", "advice"], ChipRules.All
            .Where(rule => chip.Rules.ContainsKey(rule.Id))
            .Select(rule => new Cell[] { rule.Id, SeverityOf(chip, rule.Id), rule.Demand, rule.Advice }))
        .AddNotes("gates", chip.Gates)
        .AddNotes("compile", chip.Compile);

    private static Answer Check(OnnxModel model, IReadOnlyList<ChipProfile> chips)
    {
        var findings = chips.SelectMany(chip => ChipRules.Check(model, chip).Select(finding => (chip, finding))).ToArray();
        var sheet = new Sheet()
            .Add("model", model.Path)
            .Add("chips", Cell.List(chips.Select(chip => chip.Name)))
            .Add("finding count", findings.Length)
            .AddGrid("findings", ["chip", "id", "severity", "where", "what", "advice"], findings.Select(found => new Cell[]
            {
                found.chip.Name,
                found.finding.RuleId,
                Show(found.finding.Severity),
                found.finding.Where,
                found.finding.What,
                found.finding.Advice,
            }));
        return new Answer(sheet, [.. findings
            .Where(found => found.finding.Severity == Severity.Error)
            .GroupBy(found => (found.chip.Name, found.finding.RuleId))
            .Select(group => Problem(model, group.Key.Name, [.. group.Select(found => found.finding)]))]);
    }

    // One line per broken rule: the table names every place.
    private static Problem Problem(OnnxModel model, string chip, Finding[] findings)
    {
        var more = findings.Length == 1 ? "" : FormattableString.Invariant($" (and {findings.Length - 1} more places)");
        return ChipProblems.RuleBroken(
            model.Path, chip, findings[0].RuleId, $"{findings[0].Where} {findings[0].What}{more}", findings[0].Advice);
    }

    private static Cell SeverityOf(ChipProfile chip, string rule) =>
        chip.Rules.TryGetValue(rule, out var severity) ? Show(severity) : Cell.None;

    private static Cell Show(Severity severity) => new Cell(severity.ToString().ToLowerInvariant(), severity.ToString().ToLowerInvariant())
    {
        Tone = severity == Severity.Error ? Tone.Bad : Tone.Odd,
    };

    private static string Activations(ChipProfile chip) =>
        $"{chip.Activations.Type.ToString().ToLowerInvariant()} {(chip.Activations.Symmetric ? "symmetric" : "asymmetric")}";

    private static string Weights(ChipProfile chip) =>
        $"int8 {(chip.Weights.PerChannel ? "per channel" : "per tensor")}{(chip.Weights.ReducedRange ? ", 7 bits" : "")}";

    private static string Opset(ChipProfile chip) => FormattableString.Invariant($"{chip.Opset.Min}–{chip.Opset.Max}");
}
