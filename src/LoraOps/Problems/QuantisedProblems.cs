namespace LoraOps.Problems;

/// <summary>What can be wrong with the quantised weights of a base.</summary>
public static class QuantisedProblems
{
    private const string OtherBase = "Use the base before it was quantised.";

    /// <summary><see cref="ProblemCode.QuantisationUnsupported"/></summary>
    public static Problem MethodUnsupported(string path, string method, IEnumerable<string> known) =>
        new(
            ProblemCode.QuantisationUnsupported,
            path,
            $"the weights are quantised by '{method}', whose layout is not read; {string.Join(", ", known)} are",
            OtherBase);

    /// <summary><see cref="ProblemCode.QuantisationUnsupported"/>, for one tensor.</summary>
    public static Problem LayoutUnsupported(string path, string tensor, string reason) =>
        new(ProblemCode.QuantisationUnsupported, path, $"tensor '{tensor}' is not understood: {reason}", OtherBase);

    /// <summary><see cref="ProblemCode.QuantisedPartMissing"/></summary>
    public static Problem CompanionMissing(string path, string tensor, string missing) =>
        new(
            ProblemCode.QuantisedPartMissing,
            path,
            $"tensor '{tensor}' belongs to a quantised weight, and '{missing}' of the same weight is in no file",
            "Download every shard of the base again.");

    /// <summary><see cref="ProblemCode.QuantisedPartInvalid"/></summary>
    public static Problem Invalid(string path, string tensor, string reason) =>
        new(
            ProblemCode.QuantisedPartInvalid,
            path,
            $"tensor '{tensor}' of a quantised weight has no meaning: {reason}",
            "Download the base again.");
}
