namespace LoraOps.Problems;

/// <summary>What can be wrong with a file before its content matters.</summary>
public static class FileProblems
{
    /// <summary><see cref="ProblemCode.FileMissing"/></summary>
    public static Problem FileMissing(string path) =>
        new(ProblemCode.FileMissing, path, "the file does not exist", "Check the path.");

    /// <summary><see cref="ProblemCode.FileUnreadable"/></summary>
    public static Problem FileUnreadable(string path, string reason) =>
        new(ProblemCode.FileUnreadable, path, $"cannot be read: {reason.TrimEnd('.')}", "Check that it is a file and that you may read it.");

    /// <summary><see cref="ProblemCode.PathEscapes"/></summary>
    public static Problem PathEscapes(string file, string path) =>
        new(
            ProblemCode.PathEscapes,
            file,
            $"names '{path}', which is not a plain file beside it",
            "Do not use this file: it may have been tampered with.");

    /// <summary><see cref="ProblemCode.KindUnknown"/></summary>
    public static Problem KindUnknown(string path, string expected) =>
        new(ProblemCode.KindUnknown, path, $"is not {expected}", "Check the path.");
}
