using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Chips;

/// <content>What TensorRT asks of scales, zero points and integer types.</content>
public static partial class ChipRules
{
    private const float SmallestNormalHalf = 6.1035156e-5f;

    internal static ChipRule SymmetricInt8 => new(
        "TRT-01",
        "Every quantization is to int8 with zero point 0",
        "Quantize symmetrically to int8.",
        scope => scope.Nodes("QuantizeLinear", "DequantizeLinear").Where(node => !IsBias(scope, node)).SelectMany(node =>
        {
            if (CodesType(scope, node) is not DataType.Int8 and var type)
                return [new Breach(RuleScope.NameOf(node), $"uses {type}, only Int8 is allowed")];

            var zero = scope.Index.Constant(node.InputAt(2));
            return zero is not null && scope.Model.Read(zero).ToFloats().Any(value => value != 0)
                ? [new Breach(RuleScope.NameOf(node), "has a zero point other than 0")]
                : Array.Empty<Breach>();
        }));

    internal static ChipRule ScaleShapes => new(
        "TRT-02",
        "Activations have one scale, weights one per output channel",
        "Quantize activations per tensor and weights along their output channels.",
        scope => scope.Weighted.SelectMany(node => ScaleBreaches(scope, node)));

    internal static ChipRule FloatBias => new(
        "TRT-03",
        "Biases are float",
        "Leave the bias float: TensorRT quantizes it itself.",
        scope => scope.Weighted
            .Where(node => node.InputAt(2).Length > 0 && scope.IsDequantizedConstant(node.Input[2]))
            .Select(node => new Breach(RuleScope.NameOf(node), "has a quantized bias")));

    internal static ChipRule SoundScales => new(
        "TRT-10",
        "Scales are positive and finite, and not denormal where they are FP16",
        "Calibrate again: a tensor was constant or not finite.",
        scope => scope.Nodes("QuantizeLinear", "DequantizeLinear").SelectMany(node =>
        {
            if (scope.Index.Constant(node.InputAt(1)) is not { } scale)
                return [new Breach(RuleScope.NameOf(node), "has a scale that is no constant")];

            var tensor = scope.Model.Read(scale);
            var smallest = tensor.Type == ElementType.F16 ? SmallestNormalHalf : float.Epsilon;
            return tensor.ToFloats().Any(value => !float.IsFinite(value) || value < smallest)
                ? [new Breach(RuleScope.NameOf(node), "has a scale that is not positive and finite, or denormal")]
                : Array.Empty<Breach>();
        }));

    private static bool IsBias(RuleScope scope, NodeProto node) =>
        node.Is("DequantizeLinear") && scope.Index.Constant(node.Input[0])?.DataType == (int)DataType.Int32;

    private static DataType CodesType(RuleScope scope, NodeProto node)
    {
        if (scope.Index.Constant(node.InputAt(2)) is { } zero)
            return (DataType)zero.DataType;

        // Without a zero point a QuantizeLinear gives uint8, and a DequantizeLinear takes what its input is.
        return node.Is("DequantizeLinear") && scope.Index.Constant(node.Input[0]) is { } codes
            ? (DataType)codes.DataType
            : DataType.Uint8;
    }

    private static IEnumerable<Breach> ScaleBreaches(RuleScope scope, NodeProto node)
    {
        if (scope.Dequantizer(node.Input[0]) is { } activation && scope.Stored(activation) is null && Scales(scope, activation) != 1)
            yield return new Breach(RuleScope.NameOf(activation), "has several scales for an activation");

        if (scope.Dequantizer(node.Input[1]) is not { } weight || scope.Stored(weight) is not { } stored || Scales(scope, weight) == 1)
            yield break;

        var wanted = node.OpType switch
        {
            "Conv" => 0,
            "ConvTranspose" => 1,
            "Gemm" => node.Integer("transB", 0) != 0 ? 0 : 1,
            _ => stored.Dims.Count - 1,
        };
        var axis = weight.Integer("axis", 1);
        if ((axis < 0 ? axis + stored.Dims.Count : axis) != wanted)
        {
            yield return new Breach(RuleScope.NameOf(weight), string.Create(
                CultureInfo.InvariantCulture, $"has its scales along dimension {axis}, the output channels are {wanted}"));
        }
    }

    private static long Scales(RuleScope scope, NodeProto node) =>
        scope.Index.Constant(node.InputAt(1))?.Dims.Aggregate(1L, (product, dim) => product * dim) ?? 0;
}
