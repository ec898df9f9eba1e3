namespace LoraOps.Problems;

/// <summary>What can be wrong when adapters become another adapter.</summary>
public static class MixProblems
{
    /// <summary><see cref="ProblemCode.MixNeedsFactors"/></summary>
    public static Problem NeedsFactors(string module, string method, (int Rows, int Columns) size, int most) =>
        new(
            ProblemCode.MixNeedsFactors,
            module,
            $"{method} works on factors; the delta of {size.Rows} x {size.Columns} is no product of two (DoRA), and larger than {most} both ways",
            "Merge the adapter into the base and extract it to a rank first, or take a method that works on elements (linear, ties).");

    /// <summary><see cref="ProblemCode.MixedValueNotFinite"/></summary>
    public static Problem NotFinite(string file, string tensor, string type) =>
        new(
            ProblemCode.MixedValueNotFinite,
            file,
            $"tensor '{tensor}' would hold NaN or infinity as {type}",
            "Store a wider type (--dtype f32), or use smaller weights.");

    /// <summary><see cref="ProblemCode.MixSettingInvalid"/></summary>
    public static Problem SettingInvalid(string where, string what, string advice) =>
        new(ProblemCode.MixSettingInvalid, where, what, advice);

    /// <summary><see cref="ProblemCode.MixSettingInvalid"/>, for a method that works on factors.</summary>
    public static Problem RanksDiffer(string method, IReadOnlyCollection<string> layers, IEnumerable<int> ranks) =>
        new(
            ProblemCode.MixSettingInvalid,
            "",
            $"method {method} needs equal ranks; those of {Named(layers)} are {string.Join(" and ", ranks)}",
            "Resize the adapters to one rank, or use a method on deltas, such as linear or ties.");

    /// <summary><see cref="ProblemCode.MixShapesDiffer"/></summary>
    public static Problem ShapesDiffer(string folder, string layer, string found, string other, string wanted) =>
        new(
            ProblemCode.MixShapesDiffer,
            folder,
            $"'{layer}' has shape {found}, adapter '{other}' has {wanted}",
            "Mix adapters of one base model.");

    /// <summary><see cref="ProblemCode.MixDeltaRefused"/></summary>
    /// <param name="folder">The adapter.</param>
    /// <param name="layers">The layers that it is true of, at least one.</param>
    /// <param name="method">What changes them.</param>
    /// <param name="reason">Why that cannot be mixed.</param>
    public static Problem DeltaRefused(string folder, IReadOnlyCollection<string> layers, string method, string reason) =>
        new(
            ProblemCode.MixDeltaRefused,
            folder,
            $"{Named(layers)}: {method} {reason}",
            "Merge the adapters into the base instead: loraops merge takes several with --weights.");

    /// <summary><see cref="ProblemCode.MixBaseNeeded"/></summary>
    /// <param name="folder">The adapter.</param>
    /// <param name="layers">The layers or parameters that it is true of, at least one.</param>
    /// <param name="method">What changes them.</param>
    public static Problem BaseNeeded(string folder, IReadOnlyCollection<string> layers, string method) =>
        new(
            ProblemCode.MixBaseNeeded,
            folder,
            $"{Named(layers)}: what {method} changes depends on the base weight",
            "Give the base model with --base.");

    /// <summary><see cref="ProblemCode.MixBaseNeeded"/></summary>
    public static Problem NamesNeedBase(string folder, string layer) =>
        new(
            ProblemCode.MixBaseNeeded,
            folder,
            $"'{layer}' has underscores for dots, so that only the base's own names tell which layer it is",
            "Give the base model with --base.");

    /// <summary><see cref="ProblemCode.MixDeltaRefused"/></summary>
    public static Problem NoFactors(string folder, string layer, string method) =>
        new(
            ProblemCode.MixDeltaRefused,
            folder,
            $"'{layer}': {method} is no product of two factors, so that its rank is a matter of choice",
            "Choose one: loraops resize --rank or --energy makes it LoRA.");

    /// <summary><see cref="ProblemCode.MixDeltaRefused"/></summary>
    public static Problem NoModules(string folder) =>
        new(
            ProblemCode.MixDeltaRefused,
            folder,
            "it holds no adapted layer, only parameters that it replaces as a whole",
            "There is nothing to change about it.");

    /// <summary><see cref="ProblemCode.BudgetTooSmall"/></summary>
    public static Problem BudgetTooSmall(string folder, long budget, long least) =>
        new(
            ProblemCode.BudgetTooSmall,
            folder,
            FormattableString.Invariant($"a budget of {budget} bytes does not hold one rank of each module, what is stored whole and a header: {least} bytes"),
            "Give a larger --budget, or a smaller type with --dtype.");

    // A model has hundreds of layers, and what is true of one is mostly true of all.
    private static string Named(IReadOnlyCollection<string> layers) => layers.Count switch
    {
        1 => $"'{layers.First()}'",
        2 => $"'{layers.First()}' and one other layer",
        var count => $"'{layers.First()}' and {count - 1} other layers",
    };
}
