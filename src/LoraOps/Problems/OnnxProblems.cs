namespace LoraOps.Problems;

/// <summary>What can be wrong with an ONNX file.</summary>
public static class OnnxProblems
{
    /// <summary><see cref="ProblemCode.NotOnnx"/></summary>
    public static Problem NotOnnx(string path, string reason) =>
        new(ProblemCode.NotOnnx, path, $"is no ONNX model: {reason.TrimEnd('.')}", "Export the model again.");

    /// <summary><see cref="ProblemCode.ExternalDataInvalid"/></summary>
    public static Problem ExternalDataInvalid(string path, string tensor, string reason) =>
        new(ProblemCode.ExternalDataInvalid, path, $"tensor '{tensor}': {reason}", "Copy the model together with its data file, or export it again.");

    /// <summary><see cref="ProblemCode.OnnxTensorInvalid"/></summary>
    public static Problem TensorInvalid(string path, string tensor, string reason) =>
        new(ProblemCode.OnnxTensorInvalid, path, $"tensor '{tensor}' {reason}", "Export the model again.");
}
