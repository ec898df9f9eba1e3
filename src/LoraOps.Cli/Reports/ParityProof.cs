using LoraOps.Cli.Reports.Checks;
using LoraOps.Onnx.Chips;
using LoraOps.Problems;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports;

/// <summary>Everything that a validation found: what each of its reports is made of.</summary>
/// <param name="Report">What was measured.</param>
/// <param name="Gates">The gates that were set, judged.</param>
internal sealed record ParityProof(ParityReport Report, IReadOnlyList<GateResult> Gates)
{
    /// <summary>The files that it rests on.</summary>
    public IReadOnlyList<ComparedFile> Files { get; init; } = [];

    /// <summary>The chip's rules; null if no chip was named.</summary>
    public ChipAudit? Chip { get; init; }

    /// <summary>The kernels that run; null if nobody asked.</summary>
    public KernelAudit? Kernels { get; init; }

    /// <summary>Nothing that was set was missed. True as well if nothing was set.</summary>
    public bool IsPassed => Gates.All(gate => gate.Passed) && Chip is not { IsRefused: true };

    /// <summary>The gates that were missed and the rules that stop the chip, the worst exit status first.</summary>
    public IReadOnlyList<Problem> Problems =>
    [
        .. Chip is null ? [] : Chip.Findings.Where(finding => finding.Severity == Severity.Error).Select(finding => ChipProblems.RuleBroken(
            Report.Candidate, Chip.Chip.Name, finding.RuleId, $"{finding.Where} {finding.What}", finding.Advice)),
        .. Gates.Select(gate => gate.Problem(Report.Candidate)).OfType<Problem>(),
    ];

    /// <summary>The gates and rules as checks.</summary>
    public CheckList Checks => new(
        "validate",
        [.. GateChecks.Rules(Gates), .. ChipChecks.Rules(Chip?.Chip)],
        [new CheckSuite(
            ReportText.FileName(Report.Candidate),
            Report.Candidate,
            [.. GateChecks.Of(Gates, Report.Candidate), .. Chip is null ? [] : ChipChecks.Of(Chip)])]);
}
