using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;

namespace LoraOps.Onnx.HandOff;

/// <summary>Reads from a float and a quantized model what became of each layer.</summary>
internal sealed class HandOffLayers(Counterparts models, IReadOnlyList<QuantizedNode> nodes, ChipProfile chip)
{
    private readonly Dictionary<string, LayerPrecision> _meant = nodes.Where(node => !node.IsQuantized).DistinctBy(node => node.Node)
        .ToDictionary(node => node.Node, node => node.Precision, StringComparer.Ordinal);

    private readonly Dictionary<string, QuantizedConstant> _weights = QuantizedConstant.Of(models).DistinctBy(constant => constant.Tensor)
        .ToDictionary(constant => constant.Tensor, StringComparer.Ordinal);

    private readonly HashSet<string> _floats = ActivationTensors.Of(models.Floats).ToHashSet(StringComparer.Ordinal);

    /// <summary>
    /// One entry for each convolution and matrix product of the float model and for each further node of an operator that the chip
    /// quantizes, in graph order.
    /// </summary>
    public IReadOnlyList<HandOffLayer> Read() =>
    [
        .. models.Pairs.Where(pair => IsProduct(pair.Node) || (pair.Node.Is([.. chip.QuantizedOps]) && pair.Node.Output.Any(_floats.Contains)))
            .Select(pair => Read(pair.Node, pair.Quantized)),
    ];

    private static bool IsProduct(NodeProto node) => node.Is("Conv", "ConvTranspose", "MatMul", "Gemm") && node.Input.Count > 1;

    private HandOffLayer Read(NodeProto node, NodeProto? counterpart)
    {
        var codes = counterpart is null ? null : Codes(counterpart.Input[0], node.Input[0]);
        var isProduct = IsProduct(node);
        var isQuantized = codes is not null && counterpart is not null && (!isProduct || models.Dequantizer(counterpart.Input[1]) is not null);
        var weight = isProduct && models.FloatIndex.Constant(node.Input[1]) is not null ? node.Input[1] : null;
        var precision = !isQuantized ? Unquantized(node) : codes?.Bits == 16 ? LayerPrecision.Int16 : LayerPrecision.Int8;
        return new HandOffLayer(node.Name, node.OpType, precision)
        {
            IsChosen = !isQuantized && _meant.GetValueOrDefault(node.Name) is LayerPrecision.Half or LayerPrecision.Float,
            Activation = node.Input[0],
            Output = node.Output[0],
            Codes = isQuantized ? codes : null,
            Weight = weight,
            WeightScales = isQuantized && weight is not null ? _weights.GetValueOrDefault(weight)?.Scales ?? [] : [],
        };
    }

    // What nobody lifted stays float for a reason of its own; a compiler that has half floats narrows it.
    private LayerPrecision Unquantized(NodeProto node) =>
        _meant.GetValueOrDefault(node.Name) is (LayerPrecision.Half or LayerPrecision.Float) and var meant ? meant
        : chip.HalfPrecisionRest || chip.Precisions.Contains(LayerPrecision.Half) ? LayerPrecision.Half
        : LayerPrecision.Float;

    private QuantizedActivation? Codes(string value, string tensor) => models.Dequantizer(value) is { } node
        ? QuantizedActivation.Read(models.Quantized, models.QuantizedIndex, node, tensor)
        : null;
}
