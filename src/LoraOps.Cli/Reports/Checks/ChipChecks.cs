using LoraOps.Onnx.Chips;

namespace LoraOps.Cli.Reports.Checks;

/// <summary>A chip's rules as checks.</summary>
internal static class ChipChecks
{
    /// <summary>The rules that hold for a chip.</summary>
    public static IEnumerable<CheckRule> Rules(ChipProfile? chip) => chip is null
        ? []
        : Held(chip).Select(rule => new CheckRule(rule.Id, rule.Demand, rule.Advice, Outcomes(chip.Rules[rule.Id])));

    /// <summary>A model's checks against one chip.</summary>
    public static CheckList List(string command, string model, ChipAudit audit) =>
        new(command, [.. Rules(audit.Chip)], [new CheckSuite(ReportText.FileName(model), model, [.. Of(audit)])]);

    /// <summary>One check for each rule that is kept or was not looked at, and one for each breach of the others.</summary>
    public static IEnumerable<Check> Of(ChipAudit audit)
    {
        var breaches = audit.Findings.ToLookup(finding => finding.RuleId, StringComparer.Ordinal);
        var lacks = audit.Unchecked.ToDictionary(rule => rule.RuleId, rule => rule.Why, StringComparer.Ordinal);
        return Held(audit.Chip).SelectMany(rule => breaches.Contains(rule.Id)
            ? breaches[rule.Id].Select(finding => Of(audit.Chip, rule, finding))
            : [Kept(audit.Chip, rule, lacks)]);
    }

    private static Check Kept(ChipProfile chip, ChipRule rule, Dictionary<string, string> lacks) => lacks.TryGetValue(rule.Id, out var lack)
        ? new Check(rule.Id, Name(chip, rule), Outcome.Skipped) { What = $"not looked at: {lack}" }
        : new Check(rule.Id, Name(chip, rule), Outcome.Passed);

    private static IEnumerable<ChipRule> Held(ChipProfile chip) => ChipRules.All.Where(rule => chip.Rules.ContainsKey(rule.Id));

    private static Check Of(ChipProfile chip, ChipRule rule, Finding finding) => new(rule.Id, Name(chip, rule), Outcomes(finding.Severity))
    {
        Where = finding.Where,
        What = finding.What,
        Advice = finding.Advice,
    };

    private static string Name(ChipProfile chip, ChipRule rule) => $"{chip.Name} {rule.Id}: {rule.Demand}";

    private static Outcome Outcomes(Severity severity) => severity == Severity.Error ? Outcome.Failed : Outcome.Warned;
}
