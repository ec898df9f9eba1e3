namespace LoraOps.Problems;

/// <summary>What can be wrong with a file of <c>torch.save</c>.</summary>
public static class TorchProblems
{
    private const int LongestShown = 80;
    private const string SaveSafely = "Save the adapter with safe_serialization=True.";
    private const string Tampered = "Do not use this file: it may have been tampered with.";

    /// <summary><see cref="ProblemCode.TorchArchiveInvalid"/></summary>
    public static Problem ArchiveInvalid(string path, string reason) =>
        new(ProblemCode.TorchArchiveInvalid, path, reason, "Copy or download the file again, or save it with safe_serialization=True.");

    /// <summary><see cref="ProblemCode.TorchPickleRefused"/></summary>
    public static Problem PickleRefused(string path, string what) =>
        new(
            ProblemCode.TorchPickleRefused,
            path,
            $"its pickle asks for {what}; only tensors and plain containers are read, and nothing in it was run",
            Tampered);

    /// <summary><see cref="ProblemCode.TorchPickleInvalid"/></summary>
    public static Problem PickleInvalid(string path, int at, string reason) =>
        new(ProblemCode.TorchPickleInvalid, path, $"its pickle {reason} (byte {at})", "Copy or download the file again.");

    /// <summary><see cref="ProblemCode.TorchNoStateDict"/></summary>
    public static Problem NoStateDict(string path, string reason) =>
        new(ProblemCode.TorchNoStateDict, path, $"is no dictionary of tensors by name: {reason}", SaveSafely);

    /// <summary><see cref="ProblemCode.TorchTensorInvalid"/></summary>
    public static Problem TensorInvalid(string path, string tensor, string reason) =>
        new(ProblemCode.TorchTensorInvalid, path, $"tensor '{tensor}' {reason}", Tampered);

    /// <summary>A stranger's text as a message shows it: short, and without what a terminal would obey.</summary>
    public static string Shown(string text)
    {
        var plain = string.Concat(text.Take(LongestShown).Select(letter => char.IsControl(letter) || char.IsSurrogate(letter) ? '?' : letter));
        return text.Length > LongestShown ? plain + "..." : plain;
    }
}
