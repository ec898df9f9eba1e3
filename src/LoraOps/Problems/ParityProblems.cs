namespace LoraOps.Problems;

/// <summary>What can be wrong with what a candidate is compared with, and with calibration values.</summary>
public static class ParityProblems
{
    /// <summary><see cref="ProblemCode.ExpectationMissing"/></summary>
    public static Problem ExpectationMissing(string reference, string output, string nearest) =>
        new(ProblemCode.ExpectationMissing, reference, $"has no '{output}', which is an output of the candidate{nearest}",
            "Record the reference under the candidate's output names.");

    /// <summary><see cref="ProblemCode.ExpectationShape"/></summary>
    public static Problem ExpectationShape(string reference, string output, string found, string expected) =>
        new(ProblemCode.ExpectationShape, reference, $"'{output}' is {found} for each sample, the candidate gives {expected}",
            "Record the reference with the same model and the same inputs.");

    /// <summary><see cref="ProblemCode.SampleCountsDiffer"/></summary>
    public static Problem SampleCountsDiffer(string file, int found, string inputs, int expected) =>
        new(ProblemCode.SampleCountsDiffer, file, $"holds {found} samples, the inputs of {inputs} are {expected}",
            "Give files that were made from the same samples.");

    /// <summary><see cref="ProblemCode.LabelsMissing"/></summary>
    public static Problem LabelsMissing(string file) =>
        new(ProblemCode.LabelsMissing, file, "has no tensor 'labels'", "Save the labels under this name.");

    /// <summary><see cref="ProblemCode.LabelsInvalid"/></summary>
    public static Problem LabelsInvalid(string file, string reason) =>
        new(ProblemCode.LabelsInvalid, file, $"'labels' {reason}",
            "Save integers, [samples] or [samples, positions] like the output without its last axis; -100 is not scored.");

    /// <summary><see cref="ProblemCode.ActivationNotFinite"/></summary>
    public static Problem ActivationNotFinite(string model, string tensor, string found, string data) =>
        new(ProblemCode.ActivationNotFinite, model, $"tensor '{tensor}' becomes {found} on the samples of {data}, so it has no range",
            "Check the calibration data, or train the adapter again.");
}
