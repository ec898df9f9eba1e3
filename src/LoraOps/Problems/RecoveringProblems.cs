namespace LoraOps.Problems;

/// <summary>What can keep the accuracy of a model from being recovered.</summary>
public static class RecoveringProblems
{
    /// <summary><see cref="ProblemCode.RecoveryImpossible"/></summary>
    /// <param name="model">The model.</param>
    /// <param name="why">What stands in the way.</param>
    public static Problem Impossible(string model, string why) => new(
        ProblemCode.RecoveryImpossible, model, why,
        "Calibrate in the same run: give --calibration and no --ranges.");
}
