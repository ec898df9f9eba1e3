using LoraOps.Onnx.Chips;

namespace LoraOps.Cli.Reports;

/// <summary>A model held against the rules of a chip.</summary>
/// <param name="Chip">The chip.</param>
/// <param name="Findings">Every breach, by rule and then in graph order.</param>
/// <param name="Unchecked">The rules that nobody could look at, and what they lacked.</param>
internal sealed record ChipAudit(ChipProfile Chip, IReadOnlyList<Finding> Findings, IReadOnlyList<UncheckedRule> Unchecked)
{
    /// <summary>The chip refuses the model.</summary>
    public bool IsRefused => Findings.Any(finding => finding.Severity == Severity.Error);
}
