namespace LoraOps.Problems;

/// <summary>What can be wrong with the place that an output goes to.</summary>
public static class OutputProblems
{
    /// <summary><see cref="ProblemCode.OutputExists"/></summary>
    public static Problem OutputExists(string path) =>
        new(ProblemCode.OutputExists, path, "the output already exists", "Give --overwrite to replace it, or another -o.");

    /// <summary><see cref="ProblemCode.OutputIsInput"/></summary>
    public static Problem OutputIsInput(string path) =>
        new(ProblemCode.OutputIsInput, path, "the output is also an input", "Choose another -o: inputs are never changed.");

    /// <summary><see cref="ProblemCode.DiskFull"/></summary>
    public static Problem DiskFull(string path) =>
        new(ProblemCode.DiskFull, path, "no space is left on the device", "Free some space and run the same command again.");

    /// <summary><see cref="ProblemCode.OutputUnwritable"/></summary>
    public static Problem OutputUnwritable(string path, string reason) =>
        new(ProblemCode.OutputUnwritable, path, $"cannot be written: {reason.TrimEnd('.')}", "Check the folder's permissions.");

    /// <summary><see cref="ProblemCode.BundlePathUnusable"/></summary>
    public static Problem BundlePathUnusable(string path, string reason) =>
        new(ProblemCode.BundlePathUnusable, path, $"cannot go into the bundle: {reason}", "Rename the file.");
}
