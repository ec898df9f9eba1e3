using System.Globalization;
using LoraOps.Onnx.Chips;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.Chips;

/// <summary>A case for every rule that looks at a model, an optimised model or a profile.</summary>
internal static class RuleCases
{
    public static readonly Dictionary<string, RuleCase> OfModels = new(StringComparer.Ordinal)
    {
        ["CHIP-01"] = Of(model => model.Opset(99)),
        ["TRT-01"] = Of(model => model.Codes("x_z", DataType.Int8, 3)),
        ["TRT-02"] = Of(model => model.Node("w_dq", node => node.Attribute[0].I = 1)),
        ["TRT-03"] = Of(model => model.Add(graph => graph.Stored("c", [16], 0)).Node("y", node => node.Input[2] = "c_dq")),
        ["TRT-04"] = Of(model => model.Node("y", node => node.Input[0] = "x")),
        ["TRT-05"] = Of(
            model => model.Add(graph => graph.Pair("y").Node("Relu", ["y_dq"], "r")),
            model => model.Add(graph => Next(graph, "Conv", 16))),
        ["TRT-06"] = Of(
            model => model.Add(graph => graph.Node("Add", ["y", "x_dq"], "r")),
            model => model.Add(graph => graph.Node("Add", ["x_dq", "x_dq"], "r"))),
        ["TRT-07"] = Of(model => model.Add(graph => Next(graph, "Conv", 4)), model => model.Add(graph => Next(graph, "Conv", 16))),
        ["TRT-08"] = Of(
            model => model.Add(graph => graph.Node("Softmax", ["x_dq"], "r")), model => model.Add(graph => graph.Node("Softmax", ["y"], "r"))),
        ["TRT-09"] = Of(model => model.Add(graph => Masked(graph, -1e9f)), model => model.Add(graph => Masked(graph, -65504))),
        ["TRT-10"] = Of(model => model.Constant("x_s", 0)),
        ["TRT-11"] = Of(model => model.OpenHeight()),
        ["ASC-01"] = Of(model => model.Opset(99)),
        ["ASC-02"] = Of(model => model.OpenHeight()),
        ["ASC-03"] = Of(model => model.Codes("x_z", DataType.Uint8, 3), model => model.Codes("x_z", DataType.Int8, 3)),
        ["ASC-04"] = Of(model => model.Node("w_dq", node => node.Attribute[0].I = 1)),
        ["ASC-05"] = Of(model => model.Add(graph => graph.Float("other", 0.02f)).Node("x_dq", node => node.Input[1] = "other")),
        ["ASC-06"] = Of(model => model.Add(graph => Transposed(graph, 2)), model => model.Add(graph => Transposed(graph, 1))),
        ["ASC-07"] = Of(model => model.Constant("b", 1e9f), model => model.Constant("b", 1e4f)),
        ["ASC-08"] = Of(
            model => model.Add(graph => Next(graph, "Conv", 16)).Constant("y_s", 1e9f), model => model.Add(graph => Next(graph, "Conv", 16))),
        ["ASC-10"] = Of(model => model.Target("soc", "Hopper"), model => model.Target("soc", "Ascend610")),
        ["HZN-01"] = Of(model => model.Opset(99)),
        ["HZN-02"] = Of(model => model.OpenHeight()),
        ["HZN-05"] = Of(model => model.Add(graph => graph.Node("Loop", ["y"], "r")), model => model.Add(graph => graph.Node("Relu", ["y"], "r"))),
        ["HZN-06"] = Of(
            model => model.Add(graph => graph.Pair("y", DataType.Uint8).Node("Sigmoid", ["y_dq"], "r")),
            model => model.Add(graph => graph.Pair("y").Node("Sigmoid", ["y_dq"], "r"))),
        ["HZN-07"] = Of(model => model.Target("coreNum", "5")),
        ["HZN-08"] = new(chip => new Specimen(chip).Target("int16Outputs", "y"))
        {
            Sound = chip => new Specimen(chip, DataType.Int16).Target("int16Outputs", "y"),
        },
        ["HZN-09b"] = Of(
            model => model.Add(graph => graph.Node("Relu", ["y"], "r")).Edit(proto => proto.Graph.Output[0].Name = "r"),
            model => model.Add(graph => graph.Node("Relu", ["y"], "r")).Edit(proto => proto.Graph.Output[0].Name = "r").Target("preciseOutputs", "other")),
        ["QNN-01"] = Of(model => model.OpenHeight()),
        ["QNN-02"] = Of(model => model.Node("y", node => node.Input[0] = "x")),
        ["QNN-03"] = Of(model => model.Node("w_dq", node => node.Attribute[0].I = 1)),
        ["QNN-04"] = Of(model => model.Constant("y_s", 1e-8f)),
        ["QNN-05"] = Of(model => model.Add(graph => Moved(graph, 0.02f)), model => model.Add(graph => Moved(graph, 0.01f))),
        ["QNN-06"] = Wide(graph => Specimen.Wide(graph.Node("Sigmoid", ["y_dq"], "s"), "s", 0.001f), graph => Specimen.Wide(
            graph.Node("Sigmoid", ["y_dq"], "s"), "s", 1f / 65536)),
        ["QNN-07"] = Of(model => model.Constant("b_s", 0.5f)),
        ["QNN-09"] = Of(model => model.Node("y", node => node.Name = "node_x_q")),
        ["QNN-10"] = Of(
            model => model.Add(graph => graph.Node("Erf", ["y_dq"], "r")), model => model.Add(graph => graph.Node("Relu", ["y_dq"], "r"))),
        ["QNN-11"] = new(chip => new Specimen(chip).Add(graph => Specimen.Wide(graph.Node("Relu", ["y_dq"], "s"), "s", 0.001f)))
        {
            Sound = chip => new Specimen(chip, opset: 21).Add(graph => Specimen.Wide(graph.Node("Relu", ["y_dq"], "s"), "s", 0.001f)),
        },
        ["CPU-01"] = new(chip => new Specimen(chip, DataType.Int8)),
        ["CPU-02"] = Of(
            model => model.Codes("w_q", DataType.Int8, 100).Target("isa", "avx2, avx512-vnni"),
            model => model.Codes("w_q", DataType.Int8, 64).Target("isa", "avx2, avx512-vnni")),
        ["CPU-03"] = Of(model => model.Add(graph => graph.Node("ConvInteger", ["x_q", "w_q"], "r"))),
        ["CPU-04"] = Of(
            model => model.Optimized(new TinyGraph().Node("Conv", ["x", "w"], "y").Build()),
            model => model.Optimized(new TinyGraph().Node("QLinearConv", ["x", "w"], "y").Build())),
        ["CPU-05"] = Of(
            model => model.Optimized(new TinyGraph().Node("QLinearConv", ["v", "w"], "y").Pair("x").Node("MaxPool", ["x_dq"], "m").Pair("m").Build()),
            model => model.Optimized(new TinyGraph().Node("QLinearConv", ["v", "w"], "y").Node("MaxPool", ["x"], "m").Build())),
        ["CPU-06"] = Of(model => model.Add(graph => Blocks(graph, 48)), model => model.Add(graph => Blocks(graph, 32))),
        ["CPU-07"] = Of(model => model.Edit(proto => proto.IrVersion = 99)),
    };

    private static RuleCase Of(Func<Specimen, Specimen> broken, Func<Specimen, Specimen>? sound = null) =>
        new(chip => broken(new Specimen(chip))) { Sound = chip => (sound ?? (model => model))(new Specimen(chip)) };

    private static RuleCase Wide(Func<TinyGraph, TinyGraph> broken, Func<TinyGraph, TinyGraph> sound) =>
        new(chip => new Specimen(chip, opset: 21).Add(broken)) { Sound = chip => new Specimen(chip, opset: 21).Add(sound) };

    // A second layer of one scale behind the first one's output.
    private static TinyGraph Next(TinyGraph graph, string op, int outputs) => graph.Pair("y")
        .Stored("v", [outputs, 16, 1, 1], 0).Node(op, ["y_dq", "v_dq"], "r");

    private static TinyGraph Transposed(TinyGraph graph, long dilation)
    {
        var dilations = new Proto.AttributeProto { Name = "dilations", Type = Proto.AttributeProto.Types.AttributeType.Ints };
        dilations.Ints.AddRange([dilation, dilation]);
        return Specimen.StoredOnce(graph.Pair("y"), "v").Node("ConvTranspose", ["y_dq", "v_dq"], "r", dilations);
    }

    private static TinyGraph Masked(TinyGraph graph, float value) => graph.Float("mask", value).Node("Add", ["y", "mask"], "r");

    private static TinyGraph Moved(TinyGraph graph, float scale) =>
        graph.Node("Transpose", ["y_dq"], "r").Pair("r", DataType.Uint8, scale);

    private static TinyGraph Blocks(TinyGraph graph, long block) => graph.Node(
        "MatMulNBits", ["x", "c", "s"], string.Create(CultureInfo.InvariantCulture, $"n{block}"),
        TinyGraph.Integer("block_size", block), TinyGraph.Integer("K", 96));
}
