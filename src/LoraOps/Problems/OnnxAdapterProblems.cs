namespace LoraOps.Problems;

/// <summary>What can be wrong with an <c>.onnx_adapter</c> file, read or about to be written.</summary>
public static class OnnxAdapterProblems
{
    private const string Again = "Convert the adapter again, and do not use this file: ONNX Runtime may read past its end.";

    /// <summary><see cref="ProblemCode.NotOnnxAdapter"/></summary>
    public static Problem NotOnnxAdapter(string path, string reason) =>
        new(ProblemCode.NotOnnxAdapter, path, $"is no .onnx_adapter: {reason}", "Check the path, or convert the adapter again.");

    /// <summary><see cref="ProblemCode.OnnxAdapterDamaged"/></summary>
    public static Problem Damaged(string path, string reason) => new(ProblemCode.OnnxAdapterDamaged, path, reason, Again);

    /// <summary><see cref="ProblemCode.AdapterParameterInvalid"/></summary>
    public static Problem ParameterInvalid(string path, string parameter, string reason) =>
        new(ProblemCode.AdapterParameterInvalid, path, $"parameter '{parameter}' {reason}",
            "Save numbers of at least one dimension as float, float16, bfloat16, an integer type or float8.");

    /// <summary><see cref="ProblemCode.AdapterParameterName"/></summary>
    /// <param name="path">The file.</param>
    /// <param name="parameter">The name, or its place in the file if it has none.</param>
    /// <param name="reason">What is wrong with it.</param>
    public static Problem ParameterName(string path, string parameter, string reason) =>
        new(ProblemCode.AdapterParameterName, path, $"parameter {parameter} {reason}", "Give each parameter the name of one input of the model.");

    /// <summary><see cref="ProblemCode.OnnxAdapterTooLarge"/></summary>
    public static Problem TooLarge(string path, string reason) =>
        new(ProblemCode.OnnxAdapterTooLarge, path, reason, "Split the adapter, lower its rank, or store it as float16.");
}
