using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Chips;

/// <content>Where TensorRT wants Q/DQ pairs, and where not.</content>
public static partial class ChipRules
{
    private static readonly string[] FragileOps =
    [
        "Softmax", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "Erf", "Gelu", "Sigmoid", "Tanh", "GridSample",
    ];

    internal static ChipRule BothOperands => new(
        "TRT-04",
        "A layer has activation and weight quantized, or neither",
        "Quantize both, or neither.",
        scope => scope.Weighted.Where(node => scope.WeightOf(node) is not null).SelectMany(node =>
        {
            var activation = scope.IsDequantizedActivation(node.Input[0]);
            var weight = scope.IsDequantizedConstant(node.Input[1]);
            return activation == weight
                ? Array.Empty<Breach>()
                : [new Breach(RuleScope.NameOf(node), activation
                    ? "has a quantized activation and a float weight"
                    : "has a quantized weight and a float activation")];
        }));

    internal static ChipRule NoOutputs => new(
        "TRT-05",
        "A layer's output is not quantized for float readers alone",
        "Quantize the inputs of layers, not their outputs.",
        scope => scope.Weighted.Where(node => scope.WeightOf(node) is not null).SelectMany(node => scope.Index
            .Readers(node.Output[0])
            .Where(next => next.Is("QuantizeLinear") && !FeedsLayer(scope, next))
            .Select(next => new Breach(RuleScope.NameOf(next), $"quantizes the output of {RuleScope.NameOf(node)} for float readers alone"))));

    internal static ChipRule Residuals => new(
        "TRT-06",
        "A residual sum has both inputs quantized, or neither",
        "Quantize both inputs of the sum, or neither.",
        scope => scope.Nodes("Add")
            .Where(node => node.Input.All(input => scope.Index.Constant(input) is null && !scope.IsDequantizedConstant(input)))
            .Where(node => node.Input.Select(scope.IsDequantizedActivation).Distinct().Count() == 2)
            .Select(node => new Breach(RuleScope.NameOf(node), "adds a quantized and a float value")));

    internal static ChipRule SmallLayer => new(
        "TRT-07",
        "Layers that are too small for the integer units stay float",
        "Leave this layer float.",
        scope => scope.Weighted
            .Where(node => scope.IsDequantizedConstant(node.Input[1]) && scope.WeightOf(node)?.Dims.Count >= 2)
            .SelectMany(node => SmallReason(scope, node) is { } reason
                ? [new Breach(RuleScope.NameOf(node), $"is quantized though {reason}")]
                : Array.Empty<Breach>()));

    internal static ChipRule FragileInputs => new(
        "TRT-08",
        "Softmax, normalisations, GELU parts and sampling offsets read float values",
        "Leave the inputs of this node float.",
        scope => scope.Nodes(FragileOps)
            .Where(node => node.Input.Any(scope.IsDequantizedActivation))
            .Select(node => new Breach(RuleScope.NameOf(node), $"({node.OpType}) reads a quantized value")));

    private static string? SmallReason(RuleScope scope, NodeProto node) => scope.WeightOf(node) is { } weight && !ReadsInput(scope, node)
        ? SmallLayers.Reason(node, weight, scope.Index, scope.Chip)
        : null;

    // The first convolution may be small; its activation is behind a Q/DQ pair now.
    private static bool ReadsInput(RuleScope scope, NodeProto node) => node.OpType == "Conv"
        && scope.Dequantizer(node.Input[0]) is { } dequantizer
        && scope.Index.Producer(dequantizer.Input[0]) is { } quantizer && scope.Index.IsInput(quantizer.Input[0]);

    private static bool FeedsLayer(RuleScope scope, NodeProto quantizer) => scope.Index.Readers(quantizer.Output[0])
        .SelectMany(dequantizer => scope.Index.Readers(dequantizer.Output[0]))
        .Any(reader => reader.Is("Conv", "ConvTranspose", "MatMul", "Gemm"));
}
