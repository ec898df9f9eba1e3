namespace LoraOps.Problems;

/// <summary>What can go wrong when adapters are put beside a graph.</summary>
public static class FormProblems
{
    /// <summary><see cref="ProblemCode.AdapterNamedTwice"/></summary>
    public static Problem AdapterNamedTwice(string folder, string name) => new(
        ProblemCode.AdapterNamedTwice, folder, $"two adapters are called '{name}'", "Give one of them another name: --adapter NAME=DIR.");

    /// <summary><see cref="ProblemCode.AdapterNameUnusable"/></summary>
    public static Problem AdapterNameUnusable(string folder, string name) => new(
        ProblemCode.AdapterNameUnusable, folder, $"the adapter's name '{name}' is no file name", "Give it another: --adapter NAME=DIR.");

    /// <summary><see cref="ProblemCode.BatchAxisUnknown"/></summary>
    public static Problem BatchAxisUnknown(string model, string node, string why) => new(
        ProblemCode.BatchAxisUnknown, model, $"the samples of a batch cannot be told apart at node '{node}': {why}",
        "Use the form inputs, where a whole batch has one adapter.");

    /// <summary><see cref="ProblemCode.ParameterNotPerSample"/></summary>
    public static Problem ParameterNotPerSample(string model, string parameter, string why) => new(
        ProblemCode.ParameterNotPerSample, model, $"'{parameter}' cannot differ between the samples of a batch: {why}", "Use the form inputs or merged.");

    /// <summary><see cref="ProblemCode.InputNameTaken"/></summary>
    public static Problem InputNameTaken(string model, string input) => new(
        ProblemCode.InputNameTaken, model, $"it has a value '{input}' already, the name of the input that chooses adapters",
        "Rename that value in the export.");

    /// <summary><see cref="ProblemCode.AlreadyConverted"/></summary>
    public static Problem AlreadyConverted(string model, string form) => new(
        ProblemCode.AlreadyConverted, model, $"it is of the form {form} already, and its adapters belong to the base that it was made from",
        "Convert that base again, with all adapters.");

    /// <summary><see cref="ProblemCode.FactorNotFinite"/></summary>
    public static Problem FactorNotFinite(string model, string module, string adapter, string type) => new(
        ProblemCode.FactorNotFinite, model, $"a factor of module '{module}' of adapter '{adapter}' leaves the range of {type}",
        "Check the adapter, or export the model in a wider type.");
}
