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
    /// <param name="optimized">The model as the runtime rewrote it; rules about that one are skipped without it.</param>
    public static IReadOnlyList<Finding> Check(OnnxModel model, ChipProfile chip, OnnxModel? optimized = null)
    {
        var scope = new RuleScope(model, chip, optimized);
        return [.. All
            .Where(rule => chip.Rules.ContainsKey(rule.Id))
            .SelectMany(rule => rule.Breaches(scope).Select(breach =>
                new Finding(rule.Id, chip.Rules[rule.Id], breach.Where, breach.What, rule.Advice)))];
    }

    /// <summary>The warnings of <see cref="Check"/>.</summary>
    /// <exception cref="LoraOpsException">A rule that is an error for the chip is broken.</exception>
    public static IReadOnlyList<Finding> Enforce(OnnxModel model, ChipProfile chip, OnnxModel? optimized = null)
    {
        var findings = Check(model, chip, optimized);
        var errors = findings.Where(finding => finding.Severity == Severity.Error)
            .Select(finding => ChipProblems.RuleBroken(
                model.Path, chip.Name, finding.RuleId, $"{finding.Where} {finding.What}", finding.Advice))
            .ToArray();
        return errors.Length == 0 ? findings : throw new LoraOpsException(errors);
    }
}
