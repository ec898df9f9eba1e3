namespace LoraOps.Problems;

/// <summary>What can be wrong with a bundle: somebody changed it after its maker wrote it.</summary>
public static class BundleProblems
{
    private const string Distrust = "Do not use this bundle: get it again from its maker.";

    /// <summary><see cref="ProblemCode.BundleFileChanged"/></summary>
    public static Problem FileChanged(string path, string found, string expected) =>
        new(ProblemCode.BundleFileChanged, path, $"its SHA-256 is {found}, but the bundle was made with {expected}", Distrust);

    /// <summary><see cref="ProblemCode.BundleFileMissing"/></summary>
    public static Problem FileMissing(string path) =>
        new(ProblemCode.BundleFileMissing, path, "the bundle's file is not there", Distrust);

    /// <summary><see cref="ProblemCode.BundleFileExtra"/></summary>
    public static Problem FileExtra(string path) =>
        new(ProblemCode.BundleFileExtra, path, "is no part of the bundle", "Do not use this bundle, or remove what was put into it.");

    /// <summary><see cref="ProblemCode.BundleEntryNotPlain"/></summary>
    public static Problem EntryNotPlain(string path) =>
        new(ProblemCode.BundleEntryNotPlain, path, "is a link; a bundle holds plain files only", Distrust);

    /// <summary><see cref="ProblemCode.BundleSumsInvalid"/></summary>
    public static Problem SumsInvalid(string path, string reason) =>
        new(ProblemCode.BundleSumsInvalid, path, reason, Distrust);

    /// <summary><see cref="ProblemCode.BundleManifestInvalid"/></summary>
    public static Problem ManifestInvalid(string path, string reason) =>
        new(
            ProblemCode.BundleManifestInvalid,
            path,
            $"is no manifest that this version reads: {reason.TrimEnd('.')}",
            "Read it with the LoraOps that made it.");

    /// <summary><see cref="ProblemCode.BundleManifestDisagrees"/></summary>
    public static Problem ManifestDisagrees(string path, string what) =>
        new(ProblemCode.BundleManifestDisagrees, path, what, Distrust);
}
