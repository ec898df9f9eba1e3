using System.Reflection;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Onnx.Chips;

/// <summary>
/// The rules that profiles choose from. A new one is a property in a file <c>ChipRules.….cs</c>, written as another part of
/// this class; nothing else lists it.
/// </summary>
public static partial class ChipRules
{
    /// <summary>All of them, by id.</summary>
    public static IReadOnlyList<ChipRule> All { get; } = [.. typeof(ChipRules)
        .GetProperties(BindingFlags.Static | BindingFlags.NonPublic)
        .Where(property => property.PropertyType == typeof(ChipRule))
        .Select(property => property.GetValue(null))
        .Cast<ChipRule>()
        .OrderBy(rule => rule.Id, StringComparer.Ordinal)];

    /// <summary>Every breach of the chip's rules, by rule and then in graph order.</summary>
    /// <param name="model">The finished model.</param>
    /// <param name="chip">The chip; its profile says which rules hold and how serious they are.</param>
    /// <param name="evidence">What else there is to look at; null for nothing.</param>
    public static IReadOnlyList<Finding> Check(OnnxModel model, ChipProfile chip, RuleEvidence? evidence = null)
    {
        var scope = new RuleScope(model, chip, evidence);
        return [.. RulesOf(chip)
            .Where(rule => scope.Has(rule.Needs))
            .SelectMany(rule => rule.Breaches(scope).Select(breach => FindingOf(rule, chip, breach)))];
    }

    /// <summary>The rules of the chip that <see cref="Check"/> passes over, since what they look at is not there.</summary>
    /// <inheritdoc cref="Check"/>
    public static IReadOnlyList<UncheckedRule> NotChecked(OnnxModel model, ChipProfile chip, RuleEvidence? evidence = null)
    {
        var scope = new RuleScope(model, chip, evidence);
        return [.. RulesOf(chip).Where(rule => !scope.Has(rule.Needs)).Select(rule => new UncheckedRule(rule.Id, RuleScope.Lacks(rule.Needs)))];
    }

    /// <summary>The warnings of <see cref="Check"/>.</summary>
    /// <inheritdoc cref="Check"/>
    /// <exception cref="LoraOpsException">A rule that is an error for the chip is broken.</exception>
    public static IReadOnlyList<Finding> Enforce(OnnxModel model, ChipProfile chip, RuleEvidence? evidence = null)
    {
        var findings = Check(model, chip, evidence);
        var errors = findings.Where(finding => finding.Severity == Severity.Error)
            .Select(finding => ChipProblems.RuleBroken(
                model.Path, chip.Name, finding.RuleId, $"{finding.Where} {finding.What}", finding.Advice))
            .ToArray();
        return errors.Length == 0 ? findings : throw new LoraOpsException(errors);
    }

    private static IEnumerable<ChipRule> RulesOf(ChipProfile chip) => All.Where(rule => chip.Rules.ContainsKey(rule.Id));

    private static Finding FindingOf(ChipRule rule, ChipProfile chip, Breach breach) =>
        new(rule.Id, breach.IsMinor ? Severity.Warn : chip.Rules[rule.Id], breach.Where, breach.What, rule.Advice);
}
