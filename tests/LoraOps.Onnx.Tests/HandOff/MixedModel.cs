using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Quantizing;
using LoraOps.Readers.Samples;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Tests.HandOff;

/// <summary>Three layers: one in int16, one in int8, one that stays as it is.</summary>
internal static class MixedModel
{
    public static (OnnxModel Floats, OnnxModel Quantized) Make()
    {
        var floats = Layers(new TinyGraph().Random("w", 16, 16).Random("v", 16, 16), "x", "w", "a", "v").Build();
        var quantized = new TinyGraph()
            .Float("x_s", 0.001f).Codes("x_z", DataType.Int16, [], (short)-5)
            .Node("QuantizeLinear", ["x", "x_s", "x_z"], "x_q").Node("DequantizeLinear", ["x_q", "x_s", "x_z"], "x_dq")
            .Stored("w", [16, 16], 1).Stored("v", [16, 16], 1);
        return (floats, Layers(quantized, "x_dq", "w_dq", "a_dq", "v_dq").Build());
    }

    /// <param name="chosen">What somebody chose for the layer that stays as it is; null if nobody did.</param>
    public static HandOffRequest Request(
        ChipProfile chip, OnnxModel floats, OnnxModel quantized, SampleSet? samples = null, LayerPrecision? chosen = null) => new()
    {
        Chip = chip,
        Prepared = floats,
        Quantization = new Quantization(
            quantized, [new QuantizedNode("node_y", "MatMul", "u", "it stays float") { Precision = chosen ?? LayerPrecision.Int8 }], []),
        Model = "model.onnx",
        Samples = samples,
        Ranges = new Dictionary<string, TensorRange>(),
    };

    private static TinyGraph Layers(TinyGraph graph, string x, string w, string a, string v)
    {
        graph.Input("x", 1, 16).Output("y", 1, 16).Random("u", 16, 16).Node("MatMul", [x, w], "a");
        if (a != "a")
            graph.Pair("a", DataType.Uint8, 0.02f, 65);

        return graph.Node("MatMul", [a, v], "b").Node("MatMul", ["b", "u"], "y");
    }
}
