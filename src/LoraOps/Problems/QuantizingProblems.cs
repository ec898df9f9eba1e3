using System.Globalization;

namespace LoraOps.Problems;

/// <summary>What can keep a model from being quantized.</summary>
public static class QuantizingProblems
{
    /// <summary><see cref="ProblemCode.OpsetTooOld"/></summary>
    public static Problem OpsetTooOld(string model, long found) => new(
        ProblemCode.OpsetTooOld, model, string.Create(
            CultureInfo.InvariantCulture, $"has opset {found}, quantization per channel needs 13 or newer"),
        "Export the model again with opset 13 or newer.");

    /// <summary><see cref="ProblemCode.RangeMissing"/></summary>
    public static Problem RangeMissing(string model, string tensor) => new(
        ProblemCode.RangeMissing, model, $"tensor '{tensor}' has no calibrated range", "Calibrate with the list that the quantizer asks for.");

    /// <summary><see cref="ProblemCode.RangeInvalid"/></summary>
    public static Problem RangeInvalid(string model, string tensor, float min, float max) => new(
        ProblemCode.RangeInvalid, model, string.Create(
            CultureInfo.InvariantCulture, $"tensor '{tensor}' ranges over {min} … {max} on the calibration data, which is not finite"),
        "Check the model's values on this data: it overflows or divides by zero.");

    /// <summary><see cref="ProblemCode.WeightNotFinite"/></summary>
    public static Problem WeightNotFinite(string model, string tensor) => new(
        ProblemCode.WeightNotFinite, model, $"weight '{tensor}' holds a NaN or an infinity", "Train or merge the model again.");

    /// <summary><see cref="ProblemCode.AlreadyQuantized"/></summary>
    public static Problem AlreadyQuantized(string model, string node) => new(
        ProblemCode.AlreadyQuantized, model, $"is quantized already: it has {node}", "Start from the float model.");

    /// <summary><see cref="ProblemCode.NothingToQuantize"/></summary>
    public static Problem NothingToQuantize(string model, string chip, IReadOnlyList<string> reasons) => new(
        ProblemCode.NothingToQuantize, model,
        reasons.Count == 0
            ? $"has no Conv, MatMul or Gemm with a constant weight that {chip} could quantize"
            : $"has no layer that {chip} could quantize: {string.Join("; ", reasons)}",
        "Deploy the float model, or choose another chip.");

    /// <summary><see cref="ProblemCode.GateOutOfReach"/></summary>
    public static Problem GateOutOfReach(string model, string gate, string metric, double measured) => new(
        ProblemCode.GateOutOfReach, model, string.Create(
            CultureInfo.InvariantCulture, $"{metric} is {measured:G7} with every layer in the chip's highest precision; the gate is {gate}"),
        "Loosen the gate, or look at the float model: quantization is not what misses it.");

    /// <summary><see cref="ProblemCode.NodeNotQuantized"/></summary>
    public static Problem NodeNotQuantized(string model, string node, string nearMisses) => new(
        ProblemCode.NodeNotQuantized, model, $"'{node}' is no node that the chip would quantize{nearMisses}",
        "Take a name of 'quantize --dry-run -v'.");

    /// <summary><see cref="ProblemCode.PrecisionNotAllowed"/></summary>
    public static Problem PrecisionNotAllowed(string chip, string node, string precision, IEnumerable<string> allowed) => new(
        ProblemCode.PrecisionNotAllowed, chip, $"'{node}' is to be {precision}, the chip has {string.Join(", ", allowed)}",
        "Choose one of these, or another chip.");
}
