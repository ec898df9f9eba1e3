using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing.WeightOnly;
using LoraOps.Problems;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Quantizing.Dynamic;

/// <summary>
/// Writes DynamicQuantizeLinear → MatMulInteger → Cast → Mul (scales) → Add (bias), the pattern of ONNX Runtime's MatMulIntegerToFloatFusion
/// and DynamicQuantizeMatMulFusion.
/// </summary>
internal sealed class DynamicWriter(OnnxModel model, ChipProfile chip)
{
    private readonly NodeReplacements _replacements = new(model);
    private readonly Dictionary<string, NodeProto> _activations = new(StringComparer.Ordinal);
    private readonly Dictionary<string, StoredColumns> _weights = new(StringComparer.Ordinal);
    private readonly List<string> _read = [];

    /// <summary>Replaces a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="entry">What is known of it.</param>
    /// <param name="chosen">Codes that somebody chose, or null.</param>
    /// <param name="problems">Receives a problem if the weight is not finite.</param>
    public QuantizedNode Write(WeightedNode layer, QuantizedNode entry, sbyte[]? chosen, List<Problem> problems)
    {
        var node = layer.Node;
        if (Weight(layer, chosen, problems) is not { } weight)
            return entry;

        var nodes = _replacements.Replace(node);
        var activation = Activation(layer.Activation, nodes);
        var (values, scale, zero) = (activation.Output[0], activation.Output[1], activation.Output[2]);
        var factor = _replacements.Node("Mul", layer.Name + "_scales", scale, weight.Scales);
        var product = _replacements.Node("MatMulInteger", layer.Name, values, weight.Codes, zero);
        var sum = _replacements.Node("Cast", layer.Name + "_sum", product.Output[0]);
        sum.SetInteger("to", (long)DataType.Float);
        var scaled = _replacements.Node("Mul", layer.Name + "_scaled", sum.Output[0], factor.Output[0]);
        nodes.AddRange([factor, product, sum, scaled]);
        MatrixLayers.End(node, _replacements, nodes);
        return entry with { WeightAxis = weight.Axis, WeightScales = weight.Values };
    }

    /// <summary>Puts everything in its place.</summary>
    public void Finish() => _replacements.Finish(_read);

    // The nodes come in graph order, so what the first reader is given exists for the later ones.
    private NodeProto Activation(string value, List<NodeProto> nodes)
    {
        if (_activations.TryGetValue(value, out var known))
            return known;

        var node = _replacements.Node("DynamicQuantizeLinear", value + "_quantized", value);
        node.Output.Add(_replacements.Take(value + "_scale"));
        node.Output.Add(_replacements.Take(value + "_zero_point"));
        nodes.Add(node);
        return _activations[value] = node;
    }

    private StoredColumns? Weight(WeightedNode layer, sbyte[]? chosen, List<Problem> problems)
    {
        var name = layer.Node.Input[1];
        var key = $"{name}\n{layer.OutputAxis}\n{BitConverter.SingleToInt32Bits(layer.Node.Float("alpha", 1))}";
        if (chosen is null && _weights.TryGetValue(key, out var known))
            return known;

        var before = problems.Count;
        var values = MatrixLayers.Read(model, layer, problems);
        if (problems.Count > before)
            return null;

        var weight = new ColumnWeight(values, layer, chip.Weights, ScaleSearch.Range);
        var codes = _replacements.Add(OnnxTensor.Create(name + "_quantized", DataType.Int8, [weight.Inputs, weight.Outputs], weight.Codes(chosen)));
        long[] dims = weight.Axis < 0 ? [1] : [weight.Outputs];
        var scales = _replacements.Add(OnnxTensor.Create(name + "_scale", dims, weight.Scales));
        _read.Add(name);
        var stored = new StoredColumns(codes, scales, weight.Axis, weight.Scales);
        if (chosen is null)
            _weights[key] = stored;

        return stored;
    }
}

/// <summary>A weight that lies in the graph.</summary>
/// <param name="Codes">The name of its codes, [K, N].</param>
/// <param name="Scales">The name of its scales.</param>
/// <param name="Axis">The dimension of the float weight that has one scale each, or −1.</param>
/// <param name="Values">The scales.</param>
internal sealed record StoredColumns(string Codes, string Scales, int Axis, float[] Values);
