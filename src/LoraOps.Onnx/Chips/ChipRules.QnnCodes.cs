using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Chips;

/// <content>What Qualcomm's QNN asks of scales, zero points and integer types.</content>
public static partial class ChipRules
{
    private const double SmallestSpan = 1e-4;
    private const long OpsetOf16Bits = 21;
    private const double Rounding = 1e-6;

    internal static ChipRule QnnIslands => new(
        "QNN-02",
        "All values that a quantized operator reads are quantized",
        "Quantize this input as well, or list the operator in floatOps.",
        scope =>
        {
            var floats = ActivationTensors.Of(scope.Model).ToHashSet(StringComparer.Ordinal);
            return scope.Model.Graph.Node
                .Where(node => node.Is([.. scope.Chip.WeightedOps, .. scope.Chip.QuantizedOps]))
                .SelectMany(node => node.Input
                    .Where(input => floats.Contains(input) && scope.Dequantizer(input) is null)
                    .Select(input => new Breach(RuleScope.NameOf(node), $"({node.OpType}) reads '{input}' in float")));
        });

    internal static ChipRule QnnGranularity => new(
        "QNN-03",
        "Only operators of weights.perChannelOps have one scale per channel, along their output channels, and weights have zero point 0",
        "Quantize other weights with one scale, symmetrically.",
        scope => scope.Weighted.Where(node => scope.IsDequantizedConstant(node.Input[1])).SelectMany(node => QnnWeight(scope, node)));

    internal static ChipRule QnnSpan => new(
        "QNN-04",
        "An activation spans at least 0.0001",
        "Calibrate again, or set activations.minRealRange of the profile to 1e-4.",
        scope => scope.QuantizationNodes
            .Where(node => node.OpType == "QuantizeLinear" && !IsOfConstant(scope, node))
            .Where(node => scope.ScalesOf(node).Any(scale => scale * LevelsOf(CodesType(scope, node)) < SmallestSpan * (1 - Rounding)))
            .Select(node => new Breach(RuleScope.NameOf(node), string.Create(
                CultureInfo.InvariantCulture, $"spans {scope.ScalesOf(node).Min() * LevelsOf(CodesType(scope, node)):g4}"))));

    internal static ChipRule QnnMoves => new(
        "QNN-05",
        "What only moves values has the same scale and zero point in front and behind",
        "Give both pairs the same scale and zero point.",
        scope => scope.Nodes([.. scope.Chip.SameScaleOps])
            .Where(node => scope.Dequantizer(node.InputAt(0)) is { } before && scope.Quantizer(node.Output[0]) is { } after
                && !IsSamePair(scope, after, before))
            .Select(node => new Breach(RuleScope.NameOf(node), $"({node.OpType}) reads one scale and gives another")));

    internal static ChipRule QnnFixed => new(
        "QNN-06",
        "Outputs of Sigmoid and Tanh in 16 bits have the scales that the unit has built in",
        "Set the profile's fixedRanges of Sigmoid and Tanh.",
        scope => scope.Nodes("Sigmoid", "Tanh").SelectMany(node => FixedBreaches(scope, node)));

    internal static ChipRule QnnBias => new(
        "QNN-07",
        "A quantized layer's bias is int32 with zero point 0 and the scale of activation times weight",
        "Quantize the bias to int32.",
        scope => scope.QuantizedLayers.Where(layer => layer.Node.InputAt(2).Length > 0).SelectMany(layer => QnnBiasBreaches(scope, layer)));

    internal static ChipRule Qnn16Bits => new(
        "QNN-11",
        "Nodes that quantize to 16 bits are of opset 21 or of ONNX Runtime's own domain",
        "Export the model with opset 21, or write these nodes with the domain com.microsoft.",
        scope => scope.QuantizationNodes
            .Where(node => LevelsOf(CodesType(scope, node)) == ushort.MaxValue && node.Domain != "com.microsoft" && scope.Model.Opset() < OpsetOf16Bits)
            .Select(node => new Breach(RuleScope.NameOf(node), string.Create(
                CultureInfo.InvariantCulture, $"uses {CodesType(scope, node)} in opset {scope.Model.Opset()}"))));

    private static IEnumerable<Breach> QnnWeight(RuleScope scope, NodeProto node)
    {
        var weight = scope.Dequantizer(node.Input[1])!;
        if (HasOffset(scope, weight))
            yield return new Breach(RuleScope.NameOf(weight), "has a zero point other than 0");

        if (Scales(scope, weight) == 1)
            yield break;

        var wanted = node.OpType == "ConvTranspose" ? 1 : 0;
        if (!scope.Chip.Weights.IsPerChannel(node.OpType))
            yield return new Breach(RuleScope.NameOf(weight), $"has several scales for a {node.OpType}");
        else if (node.Is("Conv", "ConvTranspose") && weight.Integer("axis", 1) != wanted)
            yield return new Breach(RuleScope.NameOf(weight), string.Create(
                CultureInfo.InvariantCulture, $"has its scales along dimension {weight.Integer("axis", 1)}, {node.OpType} wants {wanted}"));
    }

    private static IEnumerable<Breach> FixedBreaches(RuleScope scope, NodeProto node)
    {
        if (scope.Quantizer(node.Output[0]) is not { } quantizer)
            return [];

        (double Scale, float Zero)? wanted = (node.OpType, CodesType(scope, quantizer)) switch
        {
            ("Sigmoid", DataType.Uint16) => (1.0 / 65536, 0),
            ("Sigmoid", DataType.Int16) => (1.0 / 32768, 0),
            ("Tanh", DataType.Uint16) => (1.0 / 32768, 32768),
            ("Tanh", DataType.Int16) => (1.0 / 32768, 0),
            _ => null,
        };
        return wanted is not { } built
            || (scope.ScalesOf(quantizer) is [var scale] && scale == (float)built.Scale && ZeroPoints(scope, quantizer)[0] == built.Zero)
            ? []
            : [new Breach(RuleScope.NameOf(quantizer), string.Create(
                CultureInfo.InvariantCulture, $"does not have scale 1/{1 / built.Scale:f0} and zero point {built.Zero} behind a {node.OpType}"))];
    }

    private static IEnumerable<Breach> QnnBiasBreaches(RuleScope scope, (NodeProto Node, NodeProto Activation, NodeProto Weight) layer)
    {
        if (scope.Dequantizer(layer.Node.Input[2]) is not { } bias || !IsBias(scope, bias))
        {
            yield return new Breach(RuleScope.NameOf(layer.Node), "has a bias that is not int32");
            yield break;
        }

        if (HasOffset(scope, bias))
            yield return new Breach(RuleScope.NameOf(bias), "has a zero point other than 0");

        var (scales, weights) = (scope.ScalesOf(bias), scope.ScalesOf(layer.Weight));
        var input = scope.ScalesOf(layer.Activation) is [var only, ..] ? (double)only : 0;
        if (scales.Length != weights.Length || scales.Where((scale, i) => Math.Abs(scale - (input * weights[i])) > Rounding * scale).Any())
            yield return new Breach(RuleScope.NameOf(bias), "has other scales than activation times weight");
    }

    private static double LevelsOf(DataType type) => type is DataType.Int16 or DataType.Uint16 ? ushort.MaxValue : byte.MaxValue;
}
