using System.Globalization;

namespace LoraOps.Problems;

/// <summary>What can be wrong with a file of calibrated ranges.</summary>
public static class RangeProblems
{
    private const int MostNamed = 5;

    /// <summary><see cref="ProblemCode.RangesUnreadable"/></summary>
    public static Problem Unreadable(string file, string what) => new(
        ProblemCode.RangesUnreadable, file, what, "Give a file that 'loraops quantize --save-ranges' wrote.");

    /// <summary><see cref="ProblemCode.RangesInvalid"/></summary>
    public static Problem Invalid(string file, string field, string what) => new(
        ProblemCode.RangesInvalid, file, $"{field} {what}", "Write the file again with 'loraops quantize --save-ranges'.");

    /// <summary><see cref="ProblemCode.RangesForeign"/></summary>
    public static Problem Foreign(string file, string model, IReadOnlyList<string> tensors, int wanted) => new(
        ProblemCode.RangesForeign, file, string.Create(
            CultureInfo.InvariantCulture,
            $"holds ranges of another model: {tensors.Count} of the {wanted} tensors of {model} are not in it or are computed otherwise: {Named(tensors)}"),
        "Calibrate this model on data, or give the file as --base-ranges beside --calibration: then what is the same is taken from it.");

    private static string Named(IReadOnlyList<string> tensors) =>
        string.Join(", ", tensors.Take(MostNamed).Select(name => $"'{name}'")) + (tensors.Count > MostNamed ? ", …" : "");
}
