using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.HandOff;

/// <summary>A float model and the quantized model that was made of it, node by node.</summary>
internal sealed class Counterparts
{
    private readonly List<(NodeProto Node, NodeProto? Quantized)> _pairs;

    public Counterparts(OnnxModel floats, OnnxModel quantized)
    {
        (Floats, Quantized) = (floats, quantized);
        (FloatIndex, QuantizedIndex) = (new GraphIndex(floats), new GraphIndex(quantized));

        // The quantizer leaves names and order alone, so that nodes of one name are told apart by their turn.
        var byName = quantized.Graph.Node.GroupBy(node => (node.Name, node.OpType))
            .ToDictionary(group => group.Key, group => new Queue<NodeProto>(group));
        _pairs = [.. floats.Graph.Node.Select(node =>
            (node, byName.TryGetValue((node.Name, node.OpType), out var same) && same.TryDequeue(out var found) ? found : null))];
    }

    public OnnxModel Floats { get; }

    public OnnxModel Quantized { get; }

    public GraphIndex FloatIndex { get; }

    public GraphIndex QuantizedIndex { get; }

    /// <summary>The nodes of the float model in graph order, each with what became of it; null if it is gone or has another name.</summary>
    public IReadOnlyList<(NodeProto Node, NodeProto? Quantized)> Pairs => _pairs;

    /// <summary>The DequantizeLinear that makes a value of the quantized model, or null.</summary>
    public NodeProto? Dequantizer(string value) =>
        QuantizedIndex.Producer(value) is { OpType: "DequantizeLinear" } node ? node : null;

    /// <summary>The constant behind it: integers, or floats behind a QuantizeLinear; null for an activation.</summary>
    public TensorProto? StoredIn(NodeProto dequantizer) => QuantizedIndex.Constant(dequantizer.Input[0])
        ?? (QuantizedIndex.Producer(dequantizer.Input[0]) is { OpType: "QuantizeLinear" } node ? QuantizedIndex.Constant(node.Input[0]) : null);
}
