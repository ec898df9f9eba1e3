using System.Globalization;

namespace LoraOps.Problems;

/// <summary>What can keep a way of quantizing from being used.</summary>
public static class SchemeProblems
{
    /// <summary><see cref="ProblemCode.SchemeUnsupported"/></summary>
    public static Problem SchemeUnsupported(string model, string chip, string scheme, IReadOnlyList<string> allowed) => new(
        ProblemCode.SchemeUnsupported, model, $"{chip} does not run the scheme {scheme}, it runs {string.Join(", ", allowed)}",
        "Choose one of these, or another chip.");

    /// <summary><see cref="ProblemCode.OpsetNotRaisable"/></summary>
    public static Problem OpsetNotRaisable(string model, long found, long needed, IReadOnlyList<string> reasons) => new(
        ProblemCode.OpsetNotRaisable, model, string.Create(
            CultureInfo.InvariantCulture,
            $"has opset {found}, blocks of weights need {needed}, and it cannot be raised: {string.Join("; ", reasons)}"),
        string.Create(CultureInfo.InvariantCulture, $"Export the model again with opset {needed}, or choose the format nbits."));

    /// <summary><see cref="ProblemCode.AdapterRangesMissing"/></summary>
    public static Problem AdapterRangesMissing(string model) => new(
        ProblemCode.AdapterRangesMissing, model,
        "takes adapters as inputs, and ranges that are measured without one would clip what they do",
        "Give --adapter NAME=FILE.onnx_adapter and --calibration NAME=DATA for each, or choose --scheme dynamic or weights.");

    /// <summary><see cref="ProblemCode.AdapterToCalibrateUnknown"/></summary>
    public static Problem AdapterUnknown(string model, string name, string nearMisses) => new(
        ProblemCode.AdapterToCalibrateUnknown, model, $"has no adapter '{name}' in it{nearMisses}",
        "Take a name of 'inspect', or give --adapter NAME=FILE.onnx_adapter for a model that takes adapters as inputs.");
}
