using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Chips;

/// <content>What TensorRT converts to FP16 must fit it.</content>
public static partial class ChipRules
{
    private const float SmallestHalf = 6e-8f;
    private const int LargestCode = 127;

    internal static ChipRule HalfSafe => new(
        "TRT-09",
        "What stays float fits FP16",
        "Scale it down, or keep this part in FP32 when you compile.",
        scope => LargeConstants(scope).Concat(SmallEpsilons(scope)).Concat(LargeRanges(scope)));

    private static IEnumerable<Breach> LargeConstants(RuleScope scope) => scope.Model.AllTensors()
        .Where(tensor => tensor.DataType == (int)TensorProto.Types.DataType.Float
            && scope.Model.Read(tensor).ToFloats().Any(HalfRange.IsBeyond))
        .Select(tensor => new Breach($"constant '{tensor.Name}'", "exceeds ±65504"));

    private static IEnumerable<Breach> SmallEpsilons(RuleScope scope) => scope.Model.Graph.Node
        .Where(node => node.Float("epsilon", 1) < SmallestHalf)
        .Select(node => new Breach(RuleScope.NameOf(node), "has an epsilon that is 0 in FP16"));

    private static IEnumerable<Breach> LargeRanges(RuleScope scope) => scope.Nodes("QuantizeLinear")
        .Where(node => scope.Index.Constant(node.InputAt(1)) is { } scale
            && scope.Model.Read(scale).ToFloats().Any(value => value * LargestCode > HalfRange.Max))
        .Select(node => new Breach(RuleScope.NameOf(node), string.Create(
            CultureInfo.InvariantCulture, $"was calibrated to values beyond ±{HalfRange.Max}")));
}
