using System.Globalization;
using System.Text.RegularExpressions;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Chips;

/// <content>What Huawei's AMCT and ATC ask of a model for Ascend.</content>
public static partial class ChipRules
{
    private const double SmallestRequantization = 1.0 / (1 << 24);

    internal static ChipRule AscendOpset => Opset with
    {
        Id = "ASC-01",
        Demand = "The opset is one that the installed CANN reads",
        Advice = "Export the model again with an opset in that range; AMCT itself documents opset 11.",
    };

    internal static ChipRule AscendCodes => new(
        "ASC-03",
        "Activations and weights are int8, weights without an offset",
        "Quantize to int8: activations with an offset, weights symmetrically.",
        scope => scope.QuantizationNodes.Where(node => !IsBias(scope, node)).SelectMany(node =>
        {
            if (CodesType(scope, node) is not DataType.Int8 and var type)
                return [new Breach(RuleScope.NameOf(node), $"uses {type}, only Int8 is allowed")];

            return IsOfConstant(scope, node) && HasOffset(scope, node)
                ? [new Breach(RuleScope.NameOf(node), "gives a weight an offset")]
                : Array.Empty<Breach>();
        }));

    internal static ChipRule AscendGranularity => new(
        "ASC-04",
        "Only convolutions have one weight scale per output channel, and then one for each",
        "Leave MatMul and Gemm out of weights.perChannelOps.",
        scope => scope.Weighted.Where(node => scope.IsDequantizedConstant(node.Input[1])).SelectMany(node =>
        {
            var weight = scope.Dequantizer(node.Input[1])!;
            var (scales, outputs) = (Scales(scope, weight), scope.Stored(weight)?.Dims.FirstOrDefault());
            if (scales == 1)
                return Array.Empty<Breach>();

            return node.OpType != "Conv"
                ? [new Breach(RuleScope.NameOf(node), string.Create(CultureInfo.InvariantCulture, $"({node.OpType}) has {scales} weight scales, 1 is allowed"))]
                : weight.Integer("axis", 1) != 0 || scales != outputs
                    ? [new Breach(RuleScope.NameOf(node), string.Create(
                        CultureInfo.InvariantCulture, $"has {scales} weight scales along dimension {weight.Integer("axis", 1)} for {outputs} output channels"))]
                    : [];
        }));

    internal static ChipRule AscendPairs => new(
        "ASC-05",
        "QuantizeLinear and DequantizeLinear of a pair are equal and stand in front of convolutions and products with a constant matrix only",
        "Quantize the inputs of Conv, ConvTranspose, Gemm and MatMul, and nothing else.",
        scope => scope.Nodes("DequantizeLinear").SelectMany(node => PairBreaches(scope, node)));

    internal static ChipRule AscendLayers => new(
        "ASC-06",
        "A quantized Gemm has no transA, a ConvTranspose no dilation and a 4-D filter, a 3-D convolution no dilation in depth",
        "Leave this layer float, or export it in another form.",
        scope => scope.Weighted.Where(node => scope.IsDequantizedConstant(node.Input[1])).SelectMany(node => AscendObstacle(scope, node) is { } what
            ? [new Breach(RuleScope.NameOf(node), what)]
            : Array.Empty<Breach>()));

    internal static ChipRule AscendBias => new(
        "ASC-07",
        "A bias fits int32 at the scale of activation times weight",
        "Quantize again: LoraOps raises the weight's scale where a bias would not fit.",
        scope => scope.QuantizedLayers.Where(layer => scope.Numbers(layer.Node.InputAt(2)) is not null).SelectMany(layer =>
        {
            var (bias, weights) = (scope.Numbers(layer.Node.Input[2])!, scope.ScalesOf(layer.Weight));
            var input = scope.ScalesOf(layer.Activation) is [var only, ..] ? only : 1;
            var worst = bias.Select((value, i) => Math.Abs(value) / ((double)input * weights[i % weights.Length])).DefaultIfEmpty().Max();
            return worst > int.MaxValue
                ? [new Breach(RuleScope.NameOf(layer.Node), string.Create(CultureInfo.InvariantCulture, $"has a bias of {worst:g4} steps, beyond int32"))]
                : Array.Empty<Breach>();
        }));

    internal static ChipRule AscendRequantization => new(
        "ASC-08",
        "The factor between accumulator and output codes fits FP16",
        "Calibrate again: one of the three scales is far from the others.",
        scope => scope.QuantizedLayers.Where(layer => OutputScale(scope, layer.Node) is not null).SelectMany(layer =>
        {
            var input = scope.ScalesOf(layer.Activation) is [var only, ..] ? only : 1;
            var factors = scope.ScalesOf(layer.Weight).Select(weight => (double)input * weight / OutputScale(scope, layer.Node)!.Value).ToList();
            return factors.Exists(factor => factor is < SmallestRequantization or > HalfRange.Max)
                ? [new Breach(RuleScope.NameOf(layer.Node), string.Create(
                    CultureInfo.InvariantCulture, $"has factors of {factors.Min():g4} to {factors.Max():g4}, allowed are 2^-24 to 65504"))]
                : Array.Empty<Breach>();
        }));

    internal static ChipRule AscendSoc => new(
        "ASC-10",
        "The profile names a known soc_version",
        "Write the name that your SDK gives the chip as target.soc, for example Ascend310P3.",
        scope => scope.Chip.Target.GetValueOrDefault("soc") is not { } soc
            ? [new Breach("the profile", "has no target.soc") { IsMinor = true }]
            : SocVersions().IsMatch(soc) ? [] : [new Breach("the profile", $"names the soc '{soc}', known are Ascend310, 310B*, 310P1, 310P3 and 610*")]);

    private static IEnumerable<Breach> PairBreaches(RuleScope scope, NodeProto node)
    {
        if (scope.Index.Producer(node.Input[0]) is { OpType: "QuantizeLinear" } quantizer && !IsSamePair(scope, quantizer, node))
            yield return new Breach(RuleScope.NameOf(node), "has another scale or zero point than its QuantizeLinear");

        foreach (var reader in scope.Index.Readers(node.Output[0]).Where(reader => !scope.Weighted.Contains(reader)))
            yield return new Breach(RuleScope.NameOf(reader), $"({reader.OpType}) reads a quantized value");

        foreach (var reader in scope.Index.Readers(node.Output[0]).Where(reader => reader.Is("MatMul") && reader.Input[0] == node.Output[0]))
        {
            if (scope.WeightOf(reader) is not { Dims.Count: 2 })
                yield return new Breach(RuleScope.NameOf(reader), "has no constant matrix as its second operand");
        }
    }

    private static bool IsSamePair(RuleScope scope, NodeProto quantizer, NodeProto dequantizer) =>
        CodesType(scope, quantizer) == CodesType(scope, dequantizer)
        && scope.ScalesOf(quantizer).AsSpan().SequenceEqual(scope.ScalesOf(dequantizer))
        && ZeroPoints(scope, quantizer).SequenceEqual(ZeroPoints(scope, dequantizer));

    // Missing zero points are zeros.
    private static float[] ZeroPoints(RuleScope scope, NodeProto node) =>
        scope.Numbers(node.InputAt(2)) ?? new float[scope.ScalesOf(node).Length];

    private static bool HasOffset(RuleScope scope, NodeProto node) => ZeroPoints(scope, node).Any(zero => zero != 0);

    private static bool IsOfConstant(RuleScope scope, NodeProto node) => node.OpType == "DequantizeLinear"
        ? scope.Stored(node) is not null
        : scope.Index.Constant(node.Input[0]) is not null;

    private static string? AscendObstacle(RuleScope scope, NodeProto node) => node.OpType switch
    {
        "Gemm" when node.Integer("transA", 0) != 0 => "is quantized though it transposes its activation",
        "ConvTranspose" when scope.WeightOf(node)?.Dims.Count != 4 => "is quantized though its filter is not 4-D",
        "ConvTranspose" when node.Integers("dilations").Any(dilation => dilation != 1) => "is quantized though it is dilated",
        "Conv" when scope.WeightOf(node)?.Dims.Count == 5 && node.Integers("dilations").FirstOrDefault(1) != 1
            => "is quantized though it is dilated in depth",
        _ => null,
    };

    private static float? OutputScale(RuleScope scope, NodeProto node)
    {
        var output = scope.Index.Readers(node.Output[0]) is [var only] && only.Is("Relu", "Clip") ? only.Output[0] : node.Output[0];
        return scope.Quantizer(output) is { } quantizer && scope.ScalesOf(quantizer) is [var scale] ? scale : null;
    }

    [GeneratedRegex("^Ascend(310|310B[0-9]*|310P[13]|610[A-Za-z0-9]*)$")]
    private static partial Regex SocVersions();
}
