using System.Globalization;

namespace LoraOps.Problems;

/// <summary>What can be wrong when a quantized model is asked what is left of its adapter.</summary>
public static class SurvivalProblems
{
    /// <summary><see cref="ProblemCode.AdapterBuried"/></summary>
    public static Problem AdapterBuried(string candidate, string gate, string where, string metric, double measured) =>
        new(ProblemCode.AdapterBuried, candidate,
            double.IsNaN(measured)
                ? $"{metric} of {where} is NaN, which no gate lets pass; the gate is {gate}"
                : string.Create(CultureInfo.InvariantCulture, $"quantization has buried the adapter in {where}: {metric} is {measured:G4}; the gate is {gate}"),
            "Lift the layer to int16 or float, give its weight a scale per channel or block, ship the adapter beside an INT8 base (--form inputs), or "
            + "train it on the quantized base.");

    /// <summary><see cref="ProblemCode.OriginDiffers"/></summary>
    public static Problem OriginDiffers(string origin, string layer, string merged) =>
        new(ProblemCode.OriginDiffers, origin, $"has no layer '{layer}' of the same shape, which {merged} has: it is not the model that was converted",
            "Give the base ONNX that the adapter was merged into, from the same export.");

    /// <summary><see cref="ProblemCode.LayerUnfound"/></summary>
    public static Problem LayerUnfound(string candidate, string layer, string reference) =>
        new(ProblemCode.LayerUnfound, candidate, $"has no layer '{layer}' of {reference}, neither by its name nor by its weight",
            "Give a candidate that was quantized from the reference.");

    /// <summary><see cref="ProblemCode.NothingChanged"/></summary>
    public static Problem NothingChanged(string origin, string merged) =>
        new(ProblemCode.NothingChanged, origin, $"has the same weights as {merged}: no adapter was merged",
            "Give the float model with the adapter as --reference and the one without it as --base.");
}
