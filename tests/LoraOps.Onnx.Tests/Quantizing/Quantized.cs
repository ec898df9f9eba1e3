using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.Quantizing;

/// <summary>Quantizes small models with one range for all tensors, and looks at what came out.</summary>
internal static class Quantized
{
    internal static readonly TensorRange Usual = new(-1, 2);

    /// <summary>The chip as it is, but for the names, so that tests can follow them.</summary>
    internal static ChipProfile X64 { get; } = ChipProfiles.Find("x64-vnni") with { Names = NamePolicy.Full };

    internal static ChipProfile Orin { get; } = ChipProfiles.Find("orin-x");

    internal static OnnxModel Layer() => Ready(new TinyGraph().Random("w", 16, 16).Node("MatMul", ["x", "w"], "y"));

    internal static OnnxModel Ready(TinyGraph graph) => graph.Input("x", 1, 16).Output("y", 1, 16).Build();

    internal static Quantization Quantize(OnnxModel model, ChipProfile chip) => StaticQuantizer.Quantize(model, chip, Ranges(model, chip));

    internal static Dictionary<string, TensorRange> Ranges(OnnxModel model, ChipProfile chip) =>
        StaticQuantizer.TensorsToCalibrate(model, chip).ToDictionary(tensor => tensor, _ => Usual);

    internal static NodeProto Node(Quantization result, string output) => result.Model.Graph.Node.Single(node => node.Output.Contains(output));

    internal static int Count(Quantization result, string op) => result.Model.Graph.Node.Count(node => node.OpType == op);

    internal static float[] Floats(Quantization result, string name) => result.Model.Read(Stored(result, name)).ToFloats();

    internal static DataType TypeOf(Quantization result, string name) => (DataType)Stored(result, name).DataType;

    internal static TensorProto Stored(Quantization result, string name) => result.Model.Graph.Initializer.Single(tensor => tensor.Name == name);

    internal static bool IsDequantized(Quantization result, string value) =>
        result.Model.Graph.Node.Any(node => node.OpType == "DequantizeLinear" && node.Output[0] == value);

    internal static (ProblemCode Code, string What)[] Refused(Func<object> action) =>
        [.. Assert.Throws<LoraOpsException>(action).Problems.Select(problem => (problem.Code, problem.What))];
}
