using System.Globalization;

namespace LoraOps.Problems;

/// <summary>What can be wrong with a gate, and the gate that was missed.</summary>
public static class GateProblems
{
    /// <summary><see cref="ProblemCode.GateMissed"/></summary>
    public static Problem Missed(string candidate, string gate, string metric, double measured, double by) =>
        new(ProblemCode.GateMissed, candidate,
            double.IsFinite(by)
                ? string.Create(CultureInfo.InvariantCulture, $"{metric} is {measured:G7}; the gate {gate} misses it by {by:G4}")
                : string.Create(CultureInfo.InvariantCulture, $"{metric} is {measured}, which no gate lets pass; the gate is {gate}"),
            "Do not ship it: change the chip, the calibration data or the adapter, or loosen the gate knowingly.");

    /// <summary><see cref="ProblemCode.GateInvalid"/></summary>
    public static Problem Invalid(string gate, string reason) =>
        new(ProblemCode.GateInvalid, "", $"the gate '{gate}' {reason}", "Write it like cosine>=0.999, with >=, <=, > or <.");

    /// <summary><see cref="ProblemCode.GateUnmeasured"/></summary>
    public static Problem Unmeasured(string candidate, string gate, string reason) =>
        new(ProblemCode.GateUnmeasured, candidate, $"the gate {gate} cannot be judged: {reason}",
            "Give labels for accuracy, an output with classes on its last axis for top1 and kl, --base for what is left of an adapter, or leave the gate out.");
}
