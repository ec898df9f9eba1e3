namespace LoraOps.Problems;

/// <summary>What can be wrong with a recipe; <c>where</c> is its file and line.</summary>
public static class RecipeProblems
{
    /// <summary><see cref="ProblemCode.RecipeNotYaml"/></summary>
    public static Problem NotYaml(string where, string reason) =>
        new(ProblemCode.RecipeNotYaml, where, $"is no plain YAML: {reason.TrimEnd('.')}", "Write keys, lists and texts only.");

    /// <summary><see cref="ProblemCode.RecipeKeyUnknown"/></summary>
    public static Problem KeyUnknown(string where, string key, string nearest, IEnumerable<string> known) =>
        new(ProblemCode.RecipeKeyUnknown, where, $"the key '{key}' is unknown{nearest}", $"Known here: {string.Join(", ", known)}.");

    /// <summary><see cref="ProblemCode.RecipeKeyMissing"/></summary>
    public static Problem KeyMissing(string where, string key) =>
        new(ProblemCode.RecipeKeyMissing, where, $"the key '{key}' is missing or empty", "Add it.");

    /// <summary><see cref="ProblemCode.RecipeKeyTwice"/></summary>
    public static Problem KeyTwice(string where, string key, int firstLine) =>
        new(ProblemCode.RecipeKeyTwice, where, $"'{key}' is already in line {firstLine}", "Keep one of the two.");

    /// <summary><see cref="ProblemCode.RecipeValueWrong"/></summary>
    public static Problem ValueWrong(string where, string key, string what) =>
        new(ProblemCode.RecipeValueWrong, where, $"'{key}' {what}", "Correct the value.");

    /// <summary><see cref="ProblemCode.RecipeFileMissing"/></summary>
    public static Problem FileMissing(string where, string key, string path) =>
        new(ProblemCode.RecipeFileMissing, where, $"'{key}' is '{path}', which does not exist", "Check the path: it is relative to the recipe.");

    /// <summary><see cref="ProblemCode.RecipeGateInvalid"/></summary>
    public static Problem GateInvalid(string where, string key, string what) =>
        new(ProblemCode.RecipeGateInvalid, where, $"'{key}': {what}", "Write it like cosine>=0.99.");

    /// <summary><see cref="ProblemCode.RecipeChipUnknown"/></summary>
    public static Problem ChipUnknown(string where, string name, IEnumerable<string> known, string nearest) =>
        new(ProblemCode.RecipeChipUnknown, where, $"there is no chip '{name}'{nearest}",
            $"Known are {string.Join(", ", known)}, or a profile file that ends in .json.");

    /// <summary><see cref="ProblemCode.RunSelectsNothing"/></summary>
    public static Problem SelectsNothing(string path, string pattern, IEnumerable<string> jobs) =>
        new(ProblemCode.RunSelectsNothing, path, $"no job fits --only '{pattern}'",
            $"The jobs are {string.Join(", ", jobs)}; '*' and '?' may be used.");

    /// <summary><see cref="ProblemCode.RunLocked"/></summary>
    public static Problem Locked(string folder) =>
        new(ProblemCode.RunLocked, folder, "another run is working there", "Wait for it and run the same command again.");
}
