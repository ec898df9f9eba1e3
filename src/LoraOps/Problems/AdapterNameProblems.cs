namespace LoraOps.Problems;

/// <summary>What can be wrong with the names that a model and its <c>.onnx_adapter</c> files share.</summary>
public static class AdapterNameProblems
{
    private const int MostNames = 3;

    /// <summary><see cref="ProblemCode.AdapterNameUnknown"/></summary>
    /// <param name="path">The file.</param>
    /// <param name="names">The names that nobody gives.</param>
    /// <param name="dialects">Who was asked.</param>
    public static Problem OfNoDialect(string path, IReadOnlyList<string> names, string dialects)
    {
        var more = names.Count > MostNames ? $" and {names.Count - MostNames} more" : "";
        var listed = string.Join(", ", names.Take(MostNames).Select(name => $"'{name}'"));
        return new Problem(ProblemCode.AdapterNameUnknown, path, $"holds {listed}{more}, which is no name of {dialects}",
            "Say with --from how the names were made, or convert the adapter again.");
    }

    /// <summary><see cref="ProblemCode.AdapterNameUnknown"/></summary>
    public static Problem NothingToRename(string path) =>
        new(ProblemCode.AdapterNameUnknown, path, "has no overridable inputs, so there is nothing to rename",
            "Give a model of the form 'inputs' or an .onnx_adapter.");

    /// <summary><see cref="ProblemCode.AdapterNameUnsayable"/></summary>
    public static Problem NotSayable(string dialect, string module, string part, string name) =>
        new(ProblemCode.AdapterNameUnsayable, "",
            $"the dialect {dialect} would call {part} of module '{module}' '{name}', which means something else there", "Use another dialect.");

    /// <summary><see cref="ProblemCode.AdapterNameTaken"/></summary>
    public static Problem Taken(string path, string name) =>
        new(ProblemCode.AdapterNameTaken, path, $"two of its values would be called '{name}'", "Use another dialect, or rename the other value first.");
}
