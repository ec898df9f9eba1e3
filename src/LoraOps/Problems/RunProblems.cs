namespace LoraOps.Problems;

/// <summary>What can go wrong when a model is run over data.</summary>
public static class RunProblems
{
    /// <summary><see cref="ProblemCode.ModelRefused"/></summary>
    public static Problem ModelRefused(string model, string reason) =>
        new(ProblemCode.ModelRefused, model, $"ONNX Runtime refuses the model: {reason.TrimEnd('.')}", "Export the model again.");

    /// <summary><see cref="ProblemCode.RunFailed"/></summary>
    public static Problem RunFailed(string model, string data, string reason) =>
        new(ProblemCode.RunFailed, model, $"ONNX Runtime fails on the samples of {data}: {reason.TrimEnd('.')}",
            "Check that the data are what this model was made for.");

    /// <summary><see cref="ProblemCode.PortNotTensor"/></summary>
    public static Problem PortNotTensor(string model, string port, string found) =>
        new(ProblemCode.PortNotTensor, model, $"'{port}' is {found}; only tensors of numbers can be fed and compared",
            "Export the model with plain tensors as inputs and outputs.");

    /// <summary><see cref="ProblemCode.InputMissing"/></summary>
    public static Problem InputMissing(string data, string model, string input, string nearest) =>
        new(ProblemCode.InputMissing, data, $"has no tensor '{input}', which is an input of {model}{nearest}",
            "Name the tensors like the inputs of the model.");

    /// <summary><see cref="ProblemCode.InputTypeMismatch"/></summary>
    public static Problem InputTypeMismatch(string data, string input, string found, string expected) =>
        new(ProblemCode.InputTypeMismatch, data,
            $"tensor '{input}' is {found}, the model takes {expected}, and the values would change on the way",
            $"Save the tensor as {expected}.");

    /// <summary><see cref="ProblemCode.InputShapeMismatch"/></summary>
    public static Problem InputShapeMismatch(string data, string input, string found, string expected) =>
        new(ProblemCode.InputShapeMismatch, data, $"tensor '{input}' is {found}, the model takes {expected}",
            "Save the samples one after the other on the first axis, each as the model takes it.");

    /// <summary><see cref="ProblemCode.OutputNotSampled"/></summary>
    public static Problem OutputNotSampled(string model, string output, string found, int samples) =>
        new(ProblemCode.OutputNotSampled, model,
            $"output '{output}' is {found} for {samples} samples; its first axis must count them",
            "Export the model with a batch axis on every output.");
}
