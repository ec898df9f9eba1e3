using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Chips;

/// <content>What ONNX Runtime's CPU provider fuses to integer kernels.</content>
public static partial class ChipRules
{
    private const double FusedShare = 0.95;

    private static readonly string[] IntegerKernels =
    [
        "QLinearConv", "QLinearMatMul", "QGemm", "MatMulIntegerToFloat", "MatMulInteger", "ConvInteger", "DynamicQuantizeMatMul",
        "MatMulNBits", "QAttention",
    ];

    private static readonly string[] MovingOps =
        ["Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "MaxPool", "Slice", "Gather", "Expand", "Split"];

    private static readonly long[] GoodBlocks = [16, 32, 64, 128, 256];

    internal static ChipRule UnsignedTimesSigned => new(
        "CPU-01",
        "Layers multiply uint8 activations with int8 weights",
        "Quantize activations to uint8 and weights to int8.",
        scope => scope.Weighted.SelectMany(node => new[] { (Input: 0, Type: DataType.Uint8), (Input: 1, Type: DataType.Int8) }
            .Select(wanted => (wanted.Type, Dequantizer: scope.Dequantizer(node.Input[wanted.Input])))
            .Where(found => found.Dequantizer is not null && CodesType(scope, found.Dequantizer) != found.Type)
            .Select(found => new Breach(
                RuleScope.NameOf(node), $"reads {CodesType(scope, found.Dequantizer ?? node)} where it must be {found.Type}"))));

    internal static ChipRule Fused => new(
        "CPU-04",
        "The runtime turns at least 95 % of the layers into integer kernels",
        "See which layers stay float, and why.",
        scope =>
        {
            if (scope.Optimized is not { } optimized)
                return [];

            var total = scope.Weighted.Count(node => scope.WeightOf(node) is not null);
            var integer = optimized.Graph.Node.Count(node => IntegerKernels.Contains(node.OpType));
            return total == 0 || integer >= FusedShare * total
                ? []
                : [new Breach("the optimised model", string.Create(
                    CultureInfo.InvariantCulture, $"runs {integer} of {total} layers as integer kernels"))];
        });

    internal static ChipRule NothingLeftOnMoves => new(
        "CPU-05",
        "No quantization is left around nodes that only move values",
        "Give what goes in and what comes out the same scale.",
        scope =>
        {
            if (scope.Optimized is not { } optimized)
                return [];

            var index = new GraphIndex(optimized);
            return optimized.Graph.Node
                .Where(node => node.Is(MovingOps)
                    && index.Producer(node.Input[0]) is { OpType: "DequantizeLinear" }
                    && index.Readers(node.Output[0]).Any(next => next.Is("QuantizeLinear")))
                .Select(node => new Breach(RuleScope.NameOf(node), $"({node.OpType}) still runs between a pair"));
        });

    internal static ChipRule Blocks => new(
        "CPU-06",
        "Blockwise weights have blocks of 16 to 256 that fill K",
        "Choose a block size that divides K.",
        scope => scope.Model.Graph.Node.Where(node => node.OpType == "MatMulNBits").SelectMany(node =>
        {
            var (block, k) = (node.Integer("block_size", 0), node.Integer("K", 0));
            return GoodBlocks.Contains(block) && k % block == 0
                ? Array.Empty<Breach>()
                : [new Breach(RuleScope.NameOf(node), string.Create(CultureInfo.InvariantCulture, $"has blocks of {block} over K = {k}"))];
        }));
}
