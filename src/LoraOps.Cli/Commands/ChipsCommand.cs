using System.CommandLine;
using LoraOps.Cli.Output;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Runtime.Auditing;

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
        Description = "Check this model, and the hand-off files beside it, against the rules; exit 5 if a rule that is an error is broken.",
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

        return new Answer(name is null ? ChipSheet.Overview(chips) : ChipSheet.Page(chips[0]));
    }

    private static Answer Check(OnnxModel model, IReadOnlyList<ChipProfile> chips)
    {
        var refusals = new List<Problem>();
        var evidence = new RuleEvidence
        {
            HandOffFolder = model.Folder,
            HandOffModel = Path.GetFileName(model.Path),
            Optimized = chips.Any(NeedsOptimized) ? Optimized(model, refusals) : null,
        };
        var findings = chips.SelectMany(chip => ChipRules.Check(model, chip, evidence).Select(finding => (chip, finding))).ToArray();
        var sheet = new Sheet()
            .Add("model", model.Path)
            .Add("chips", Cell.List(chips.Select(chip => chip.Name)))
            .Add("finding count", findings.Length)
            .AddGrid("findings", ["chip", "id", "severity", "where", "what", "advice"], findings.Select(found => new Cell[]
            {
                found.chip.Name,
                found.finding.RuleId,
                ChipSheet.Show(found.finding.Severity),
                found.finding.Where,
                found.finding.What,
                found.finding.Advice,
            }))
            .AddNotes("not checked", ChipSheet.NotChecked(chips.SelectMany(chip => ChipRules.NotChecked(model, chip, evidence)).Distinct()));
        return new Answer(sheet, [.. refusals, .. findings
            .Where(found => found.finding.Severity == Severity.Error)
            .GroupBy(found => (found.chip.Name, found.finding.RuleId))
            .Select(group => Problem(model, group.Key.Name, [.. group.Select(found => found.finding)]))]);
    }

    private static bool NeedsOptimized(ChipProfile chip) =>
        ChipRules.All.Any(rule => rule.Needs == RuleSubject.OptimizedModel && chip.Rules.ContainsKey(rule.Id));

    // A model that the runtime refuses is checked by all other rules.
    private static OnnxModel? Optimized(OnnxModel model, List<Problem> refusals)
    {
        try
        {
            return FusionAudit.Optimized(model);
        }
        catch (LoraOpsException refused)
        {
            refusals.AddRange(refused.Problems);
            return null;
        }
    }

    // One line per broken rule: the table names every place.
    private static Problem Problem(OnnxModel model, string chip, Finding[] findings)
    {
        var more = findings.Length == 1 ? "" : FormattableString.Invariant($" (and {findings.Length - 1} more places)");
        return ChipProblems.RuleBroken(
            model.Path, chip, findings[0].RuleId, $"{findings[0].Where} {findings[0].What}{more}", findings[0].Advice);
    }
}
