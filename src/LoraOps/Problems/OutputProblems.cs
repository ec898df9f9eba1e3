namespace LoraOps.Problems;

/// <summary>What can be wrong with the place that an output goes to.</summary>
public static class OutputProblems
{
    // ENOSPC and EDQUOT of Linux and macOS, ERROR_DISK_FULL and ERROR_HANDLE_DISK_FULL of Windows.
    private static readonly int[] FullDisk = [28, 122, 69, unchecked((int)0x80070070), unchecked((int)0x80070027)];

    /// <summary>True if a failed write means <see cref="DiskFull"/>.</summary>
    public static bool IsDiskFull(Exception failure) => failure is IOException && FullDisk.Contains(failure.HResult);

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
