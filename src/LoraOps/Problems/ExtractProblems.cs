namespace LoraOps.Problems;

/// <summary>What can be wrong when the difference of two checkpoints becomes an adapter.</summary>
public static class ExtractProblems
{
    /// <summary><see cref="ProblemCode.NothingDiffers"/></summary>
    public static Problem NothingDiffers(string tuned, string weights) =>
        new(
            ProblemCode.NothingDiffers,
            tuned,
            $"no tensor that is looked at differs from '{weights}'",
            "Give the trained model as --tuned; --include and --exclude choose modules by name.");

    /// <summary><see cref="ProblemCode.DifferenceNotExpressible"/></summary>
    public static Problem NotExpressible(string file, string tensor, string why) =>
        new(
            ProblemCode.DifferenceNotExpressible,
            file,
            $"tensor '{tensor}': {why}",
            $"Leave it out with --exclude '{(tensor.LastIndexOf('.') is > 0 and var dot ? tensor[..dot] : tensor)}' if the adapter is to do without.");
}
