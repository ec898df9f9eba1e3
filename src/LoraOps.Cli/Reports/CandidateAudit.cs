using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Runtime.Auditing;

namespace LoraOps.Cli.Reports;

/// <summary>Looks at the candidate's file: its kernels, and a chip's rules.</summary>
internal static class CandidateAudit
{
    /// <summary>The proof with what was found.</summary>
    /// <param name="proof">What was measured.</param>
    /// <param name="chip">The chip; null for the kernels alone.</param>
    /// <exception cref="LoraOpsException">The runtime refuses the model.</exception>
    public static ParityProof Of(ParityProof proof, ChipProfile? chip)
    {
        var model = OnnxModel.Load(proof.Report.Candidate);
        var optimized = FusionAudit.Optimized(model);
        var counts = FusionAudit.CountOptimized(optimized);
        var evidence = new RuleEvidence { Optimized = optimized };
        return proof with
        {
            Kernels = new KernelAudit(counts, FloatLayer.Of(model, counts)),
            Chip = chip is null ? null : new ChipAudit(chip, ChipRules.Check(model, chip, evidence), ChipRules.NotChecked(model, chip, evidence)),
        };
    }
}
