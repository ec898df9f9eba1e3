namespace LoraOps.Problems;

/// <summary>What can be wrong with an adapter and a base together.</summary>
public static class MergeProblems
{
    private const string OtherBase = "Check that this is the base that the adapter was trained on.";

    /// <summary><see cref="ProblemCode.ModuleUnmatched"/></summary>
    public static Problem ModuleUnmatched(string basePath, string adapter, string parameter, string nearest) =>
        new(
            ProblemCode.ModuleUnmatched,
            basePath,
            $"has no tensor for '{parameter}' of adapter '{adapter}'{nearest}",
            $"{OtherBase} --allow-unmatched leaves it out.");

    /// <summary><see cref="ProblemCode.ModuleUnmatched"/>, for the modules of another model of the same pipeline.</summary>
    public static Problem OtherComponent(string basePath, string adapter, int modules, string component) =>
        new(
            ProblemCode.ModuleUnmatched,
            basePath,
            $"is not the {component} that {modules} modules of adapter '{adapter}' belong to",
            "Merge them into that model in a run of its own; --allow-unmatched leaves them out here.");

    /// <summary><see cref="ProblemCode.LayerAmbiguous"/></summary>
    public static Problem LayerAmbiguous(string basePath, string adapter, IEnumerable<string> names, string reason) =>
        new(
            ProblemCode.LayerAmbiguous,
            basePath,
            $"adapter '{adapter}': {string.Join(" and ", names.Select(name => $"'{name}'"))} {reason}",
            "Give the base in a folder that is called as the component (text_encoder_2), or an adapter with dotted names.");

    /// <summary><see cref="ProblemCode.WeightShapeMismatch"/></summary>
    public static Problem ShapeMismatch(string basePath, string tensor, string found, string adapter, string wanted) =>
        new(
            ProblemCode.WeightShapeMismatch,
            basePath,
            $"tensor '{tensor}' has shape {found}, adapter '{adapter}' needs {wanted}",
            OtherBase);

    /// <summary><see cref="ProblemCode.MergedWeightNotFinite"/></summary>
    public static Problem NotFinite(string basePath, string tensor, string type) =>
        new(
            ProblemCode.MergedWeightNotFinite,
            basePath,
            $"tensor '{tensor}' would hold NaN or infinity as {type} after merging",
            "Merge into a base of a wider type (BF16 or F32).");

    /// <summary><see cref="ProblemCode.MemoryTooSmall"/></summary>
    public static Problem MemoryTooSmall(string basePath, string? tensor, long needed, long allowed) =>
        new(
            ProblemCode.MemoryTooSmall,
            basePath,
            (tensor is null ? "copying the base" : $"merging tensor '{tensor}'") + $" needs {needed} bytes, {allowed} are allowed",
            "Give a larger --memory.");

    /// <summary><see cref="ProblemCode.BaseTypeUnsupported"/></summary>
    public static Problem BaseType(string basePath, string tensor, string type) =>
        new(
            ProblemCode.BaseTypeUnsupported,
            basePath,
            $"tensor '{tensor}' is {type}; F64, F32, F16 and BF16 can be merged into",
            "Merge into the unquantised base.");

    /// <summary><see cref="ProblemCode.AdaptersConflict"/></summary>
    public static Problem Conflict(string tensor, string first, string second, string reason) =>
        new(
            ProblemCode.AdaptersConflict,
            "",
            $"adapters '{first}' and '{second}' both change '{tensor}': {reason}",
            "Merge one of them only.");

    /// <summary><see cref="ProblemCode.AdaptersConflict"/>, for DoRA beside another delta.</summary>
    public static Problem RescaledSum(string tensor, string first, string second) =>
        Conflict(tensor, first, second, "DoRA rescales the weight that the other one adds to");

    /// <summary><see cref="ProblemCode.AdaptersConflict"/>, for an absolute value with a weight.</summary>
    public static Problem WeightedReplacement(string tensor, string adapter, double weight) =>
        new(
            ProblemCode.AdaptersConflict,
            "",
            FormattableString.Invariant($"adapter '{adapter}' replaces '{tensor}' as a whole, which has no fraction {weight}"),
            "Give this adapter the weight 1.");

    /// <summary><see cref="ProblemCode.HeadStaysTied"/></summary>
    public static Problem HeadStaysTied(string basePath, string modelType, string tensor) =>
        new(
            ProblemCode.HeadStaysTied,
            basePath,
            $"'{tensor}' is tied to the embedding, and a {modelType} model scales the output of a tied head only, " +
            "so the two cannot be separated",
            "Untie the base first, or use --arithmetic peft to change both.");

    /// <summary><see cref="ProblemCode.BaseConfigInvalid"/></summary>
    public static Problem ConfigInvalid(string file, string reason) =>
        new(
            ProblemCode.BaseConfigInvalid,
            file,
            $"is no valid model config: {reason.TrimEnd('.')}",
            "Download the base again.");

    /// <summary><see cref="ProblemCode.ShardsNeedFolder"/></summary>
    public static Problem ShardsNeedFolder(string output, int shards) =>
        new(
            ProblemCode.ShardsNeedFolder,
            output,
            $"is one file, but --max-shard-size gives {shards}",
            "Give a folder as -o.");

    /// <summary><see cref="ProblemCode.TensorTooLarge"/></summary>
    public static Problem TooLarge(string basePath, string tensor, string shape) =>
        new(
            ProblemCode.TensorTooLarge,
            basePath,
            $"tensor '{tensor}' of shape {shape} is too large to merge: this method needs it in memory at once, and at most 2^31 elements fit",
            "Leave this layer out of the adapter.");
}
