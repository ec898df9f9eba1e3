namespace LoraOps.Problems;

/// <summary>What keeps an <c>.onnx_adapter</c> from being used with a model.</summary>
public static class AdapterFitProblems
{
    private const string Again = "Convert the adapter together with this model.";

    /// <summary><see cref="ProblemCode.AdapterInputUnknown"/></summary>
    public static Problem InputUnknown(string path, string parameter, string model, string nearest) =>
        new(ProblemCode.AdapterInputUnknown, path, $"parameter '{parameter}' is no overridable input of {model}{nearest}", Again);

    /// <summary><see cref="ProblemCode.AdapterInputUnknown"/></summary>
    public static Problem DialectDiffers(string path, string found, string model, string expected) =>
        new(ProblemCode.AdapterInputUnknown, path, $"names its parameters as {found} does, {model} its inputs as {expected} does",
            $"Run 'loraops rename' with --dialect {expected} on the adapter.");

    /// <summary><see cref="ProblemCode.AdapterInputDiffers"/></summary>
    public static Problem InputDiffers(string path, string parameter, string found, string model, string expected) =>
        new(ProblemCode.AdapterInputDiffers, path, $"parameter '{parameter}' is {found}, {model} takes {expected}", Again);

    /// <summary><see cref="ProblemCode.AdapterFactorMissing"/></summary>
    public static Problem FactorMissing(string path, string parameter, string missing) =>
        new(ProblemCode.AdapterFactorMissing, path, $"has '{parameter}' without '{missing}'", Again);

    /// <summary><see cref="ProblemCode.AdapterRanksDiffer"/></summary>
    public static Problem RanksDiffer(string path, string a, string shape, string b, string otherShape) =>
        new(ProblemCode.AdapterRanksDiffer, path, $"'{a}' is {shape} and '{b}' {otherShape}, which are of different ranks", Again);

    /// <summary><see cref="ProblemCode.AdapterOfOtherModel"/></summary>
    public static Problem OfOtherModel(string path, int found, string model, int expected) => new(
        ProblemCode.AdapterOfOtherModel,
        path,
        (found == 0 ? "does not say for which model it was made" : $"was made for model number {found}") + $"; {model} is number {expected}",
        Again);

    /// <summary><see cref="ProblemCode.AdapterOfOtherModel"/></summary>
    public static Problem ModelUnknown(string path, string model) =>
        new(ProblemCode.AdapterOfOtherModel, path, $"cannot be told to belong to {model}, whose recorded digest is damaged", "Convert the model again.");

    /// <summary><see cref="ProblemCode.AdapterValueNotFinite"/></summary>
    public static Problem NotFinite(string path, string parameter) =>
        new(ProblemCode.AdapterValueNotFinite, path, $"parameter '{parameter}' holds a value that is infinite or no number",
            "Train or convert the adapter again.");
}
