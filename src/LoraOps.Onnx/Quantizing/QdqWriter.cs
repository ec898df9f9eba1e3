using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Quantizing;

/// <summary>Puts QuantizeLinear and DequantizeLinear nodes and their constants into a graph.</summary>
internal sealed class QdqWriter(OnnxModel model, ChipProfile chip)
{
    // Pairs of sixteen bits are standard from this opset; before it the runtime has its own.
    private const long WideOpset = 21;
    private const string Contrib = "com.microsoft";
    private readonly HashSet<string> _wide = new(StringComparer.Ordinal);
    private readonly NameSet _names = new(model);
    private readonly Dictionary<(string Value, LayerPrecision Precision), string> _activations = [];
    private readonly Dictionary<string, string> _weights = new(StringComparer.Ordinal);
    private readonly Dictionary<NodeProto, List<NodeProto>> _before = new(ReferenceEqualityComparer.Instance);
    private readonly Dictionary<NodeProto, List<NodeProto>> _after = new(ReferenceEqualityComparer.Instance);
    private readonly HashSet<NodeProto> _removed = new(ReferenceEqualityComparer.Instance);
    private readonly List<NodeProto> _first = [];

    /// <summary>Quantizes a tensor once for each precision; all who ask for it share the pair.</summary>
    /// <returns>The name of the dequantized value.</returns>
    public string Activation(string value, NodeProto? producer, LayerPrecision precision, ScaleZeroPoint mapping)
    {
        if (!_activations.TryGetValue((value, precision), out var dequantized))
        {
            dequantized = _names.Take(value + "_dequantized");
            _activations[(value, precision)] = dequantized;
            After(producer).AddRange(Pair(value, value, dequantized, ActivationConstants(value, precision, mapping), axis: -1));
        }

        return dequantized;
    }

    /// <summary>Quantizes a node's output for everybody: the old name now means the dequantized value.</summary>
    public void Output(QuantizedOutput output, LayerPrecision precision, ScaleZeroPoint mapping)
    {
        var raw = _names.Take(output.Value + "_float");
        output.Producer.Output[output.Removed is null ? output.Producer.Output.IndexOf(output.Value) : 0] = raw;
        _activations[(output.Value, precision)] = output.Value;

        // In front: whoever narrows the value further reads what this pair gives.
        After(output.Producer).InsertRange(
            0, Pair(raw, output.Value, output.Value, ActivationConstants(output.Value, precision, mapping), axis: -1));
        if (output.Removed is not null)
            _removed.Add(output.Removed);
    }

    /// <summary>Stores a constant that is no weight with the codes of an activation, in front of the node that takes it.</summary>
    /// <returns>The name of the dequantized value.</returns>
    public string Constant(NodeProto node, TensorProto constant, LayerPrecision precision)
    {
        var values = model.Read(constant).ToFloats();
        var codes = ActivationCodes.Of(chip.Activations, precision);
        var mapping = codes.Map(
            new TensorRange(TensorPrimitives.Min<float>([0, .. values]), TensorPrimitives.Max<float>([0, .. values])), chip.Activations.MinRealRange);
        var width = codes.IsWide ? sizeof(short) : sizeof(byte);
        var bytes = new byte[values.Length * width];
        for (var i = 0; i < values.Length; i++)
        {
            var code = mapping.Quantize(values[i], codes.All);
            bytes[i * width] = (byte)code;
            if (codes.IsWide)
                bytes[(i * width) + 1] = (byte)(code >> 8);
        }

        var stored = Add(OnnxTensor.Create(constant.Name + "_quantized", codes.Type, [.. constant.Dims], bytes));
        var dequantized = _names.Take(constant.Name + "_dequantized");
        Before(node).Add(Node(
            "DequantizeLinear", constant.Name, [stored, .. ActivationConstants(constant.Name, precision, mapping)], dequantized, axis: -1));
        return dequantized;
    }

    /// <summary>Stores a weight in the chip's form in front of the node; equal uses of a weight share it.</summary>
    /// <param name="node">The first node that takes it.</param>
    /// <param name="weight">The float weight.</param>
    /// <param name="quantized">Its values, which may differ from the float weight's by a folded factor.</param>
    /// <param name="factor">That factor.</param>
    /// <returns>The name of the dequantized value.</returns>
    public string Weight(NodeProto node, TensorProto weight, QuantizedWeight quantized, float factor)
    {
        var key = Key(weight.Name, factor, quantized) + (quantized.IsChosen ? node.Output[0] : "");
        if (_weights.TryGetValue(key, out var dequantized))
            return dequantized;

        dequantized = _names.Take(weight.Name + "_dequantized");
        _weights[key] = dequantized;
        long[] dims = quantized.Axis < 0 ? [] : [quantized.Scales.Length];
        var constants = Constants(
            weight.Name,
            OnnxTensor.Create("", dims, quantized.Scales),
            OnnxTensor.Create("", DataType.Int8, dims, new byte[quantized.Scales.Length]));
        if (chip.Weights.Storage == WeightStorage.Dq)
        {
            var codes = Add(OnnxTensor.Create(weight.Name + "_quantized", DataType.Int8, [.. weight.Dims], quantized.Codes()));
            Before(node).Add(Node("DequantizeLinear", weight.Name, [codes, .. constants], dequantized, quantized.Axis));
        }
        else
        {
            var floats = factor != 1 || quantized.IsChosen
                ? Add(OnnxTensor.Create(weight.Name + "_scaled", [.. weight.Dims], quantized.Stored()))
                : weight.Name;
            Before(node).AddRange(Pair(floats, weight.Name, dequantized, constants, quantized.Axis));
        }

        return dequantized;
    }

    /// <summary>Stores a bias as int32 in front of the node that takes it.</summary>
    /// <returns>The name of the dequantized value.</returns>
    public string Bias(NodeProto node, string name, ReadOnlySpan<float> bias, float inputScale, QuantizedWeight weight)
    {
        var scales = weight.Scales.Select(scale => inputScale * scale).ToArray();
        var codes = new int[bias.Length];
        for (var i = 0; i < codes.Length; i++)
            codes[i] = BiasScale.Quantize(bias[i], scales[i % scales.Length]);

        long[] dims = weight.Axis < 0 ? [] : [scales.Length];
        var constants = Constants(
            name,
            OnnxTensor.Create("", dims, scales),
            OnnxTensor.Create("", DataType.Int32, dims, new byte[scales.Length * sizeof(int)]));
        var stored = Add(OnnxTensor.Create(
            name + "_quantized", DataType.Int32, [codes.Length], MemoryMarshal.AsBytes(codes.AsSpan())));
        var dequantized = _names.Take(name + "_dequantized");
        Before(node).Add(Node("DequantizeLinear", name, [stored, .. constants], dequantized, weight.Axis < 0 ? -1 : 0));
        return dequantized;
    }

    /// <summary>Puts the new nodes between the old ones, in an order that every runtime takes.</summary>
    public void Finish()
    {
        var nodes = _first.Concat(model.Graph.Node.SelectMany(node => (_before.GetValueOrDefault(node) ?? [])
            .Concat(_removed.Contains(node) ? [] : [node])
            .Concat(_after.GetValueOrDefault(node) ?? []))).ToArray();
        model.Graph.Node.Clear();
        model.Graph.Node.AddRange(nodes);
        if (nodes.Any(node => node.Domain == Contrib) && model.Opset(Contrib) == 0)
            model.Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = Contrib, Version = 1 });
    }

    private List<NodeProto> After(NodeProto? producer) => producer is null ? _first : Entry(_after, producer);

    private List<NodeProto> Before(NodeProto node) => Entry(_before, node);

    private static List<NodeProto> Entry(Dictionary<NodeProto, List<NodeProto>> lists, NodeProto node) =>
        lists.TryGetValue(node, out var list) ? list : lists[node] = [];

    private string[] ActivationConstants(string name, LayerPrecision precision, ScaleZeroPoint mapping)
    {
        var codes = ActivationCodes.Of(chip.Activations, precision);
        byte[] zero = codes.IsWide ? [(byte)mapping.ZeroPoint, (byte)(mapping.ZeroPoint >> 8)] : [(byte)mapping.ZeroPoint];
        var names = Constants(name, OnnxTensor.Create("", [], [mapping.Scale]), OnnxTensor.Create("", codes.Type, [], zero));
        if (codes.IsWide)
            _wide.Add(names[1]);

        return names;
    }

    private string[] Constants(string name, TensorProto scale, TensorProto zeroPoint)
    {
        scale.Name = name + "_scale";
        zeroPoint.Name = name + "_zero_point";
        return [Add(scale), Add(zeroPoint)];
    }

    private string Add(TensorProto tensor)
    {
        tensor.Name = _names.Take(tensor.Name);
        model.Graph.Initializer.Add(tensor);
        return tensor.Name;
    }

    private IEnumerable<NodeProto> Pair(string from, string name, string to, string[] constants, int axis)
    {
        var codes = _names.Take(name + "_quantized");
        return
        [
            Node("QuantizeLinear", name, [from, .. constants], codes, axis),
            Node("DequantizeLinear", name, [codes, .. constants], to, axis),
        ];
    }

    private NodeProto Node(string op, string name, IEnumerable<string> inputs, string output, int axis)
    {
        var node = new NodeProto { OpType = op, Name = _names.Take($"{name}_{op}") };
        node.Input.AddRange(inputs);
        if (_wide.Contains(node.Input[^1]) && model.Opset() < WideOpset)
            node.Domain = Contrib;

        node.Output.Add(output);
        if (axis >= 0)
            node.SetInteger("axis", axis);

        return node;
    }

    // Two uses share a weight only where layout, scales and folded factor agree; the scales do not tell the factor's sign.
    private static string Key(string name, float factor, QuantizedWeight weight) =>
        $"{name}\n{weight.Axis}\n{BitConverter.SingleToInt32Bits(factor)}\n{Convert.ToHexString(MemoryMarshal.AsBytes(weight.Scales.AsSpan()))}";
}
