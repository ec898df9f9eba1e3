namespace LoraOps.Problems;

/// <summary>What can keep a chip's hand-off files from being written, and what can be wrong with such files.</summary>
public static class HandOffProblems
{
    /// <summary><see cref="ProblemCode.HandOffNameUnusable"/></summary>
    public static Problem NameUnusable(string model, string name, string file, string why) => new(
        ProblemCode.HandOffNameUnusable, model, $"'{name}' cannot be written into {file}: {why}",
        "Rename it in the float model, or give --no-hand-off to leave these files out.");

    /// <summary><see cref="ProblemCode.HandOffFileInvalid"/></summary>
    public static Problem FileInvalid(string path, string kind, string what) => new(
        ProblemCode.HandOffFileInvalid, path, $"is no {kind}: {what}", "Write it again with 'loraops quantize'.");

    /// <summary><see cref="ProblemCode.HandOffScaleUnfit"/></summary>
    public static Problem ScaleUnfit(string model, string layer, string what) => new(
        ProblemCode.HandOffScaleUnfit, model, $"layer '{layer}' {what}", "Compare the profile with one that 'loraops chips' lists.");

    /// <summary><see cref="ProblemCode.HandOffSamplesMissing"/></summary>
    public static Problem SamplesMissing(string model, string input) => new(
        ProblemCode.HandOffSamplesMissing, model, $"input '{input}' has no samples that could be handed on as .npy files",
        "Give --calibration data that has this input, or --no-hand-off.");
}
