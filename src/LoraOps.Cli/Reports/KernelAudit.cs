using LoraOps.Runtime.Auditing;

namespace LoraOps.Cli.Reports;

/// <summary>What ONNX Runtime's CPU kernels make of the candidate.</summary>
/// <param name="Counts">The kernels.</param>
/// <param name="Floats">The layers that stay in float, and why.</param>
internal sealed record KernelAudit(FusionCounts Counts, IReadOnlyList<FloatLayer> Floats);
