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

    // 2 · 255 · 64 fits int16, 2 · 255 · 127 does not.
    private const int LargestSafeCode = 64;

    private static readonly string[] WithoutVnni = ["sse4.1", "avx2", "avx512"];

    private static readonly long[] GoodBlocks = [16, 32, 64, 128, 256];

    internal static ChipRule UnsignedTimesSigned => new(
        "CPU-01",
        "Layers multiply uint8 activations with int8 weights",
        "Quantize activations to uint8 and weights to int8.",
        scope => scope.Weighted.Where(node => scope.Dequantizer(node.Input[0]) is not null)
            .SelectMany(node => new[] { (Input: 0, Type: DataType.Uint8), (Input: 1, Type: DataType.Int8) }
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
            var optimized = scope.Optimized;
            var total = scope.Weighted.Count(node => scope.WeightOf(node) is not null);
            var integer = optimized.Graph.Node.Count(node => IntegerKernels.Contains(node.OpType));
            return total == 0 || integer >= FusedShare * total
                ? []
                : [new Breach("the optimised model", string.Create(
                    CultureInfo.InvariantCulture, $"runs {integer} of {total} layers as integer kernels"))];
        })
    {
        Needs = RuleSubject.OptimizedModel,
    };

    internal static ChipRule NothingLeftOnMoves => new(
        "CPU-05",
        "No quantization is left around nodes that only move values",
        "Give what goes in and what comes out the same scale.",
        scope =>
        {
            var optimized = scope.Optimized;
            var index = new GraphIndex(optimized);
            return optimized.Graph.Node
                .Where(node => node.Is(MovingOps)
                    && index.Producer(node.Input[0]) is { OpType: "DequantizeLinear" }
                    && index.Readers(node.Output[0]).Any(next => next.Is("QuantizeLinear")))
                .Select(node => new Breach(RuleScope.NameOf(node), $"({node.OpType}) still runs between a pair"));
        })
    {
        Needs = RuleSubject.OptimizedModel,
    };

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

    internal static ChipRule ReducedRange => new(
        "CPU-02",
        "Weights have seven bits where a CPU of the target adds int8 products in int16",
        "Set weights.reducedRange of the profile, or leave the CPUs without VNNI out of target.isa.",
        scope => !SaturatingSets(scope).Any() ? [] : scope.Weighted
            .Where(node => scope.Dequantizer(node.Input[1]) is { } weight && IsBeyondSevenBits(scope, weight))
            .Select(node => new Breach(
                RuleScope.NameOf(node), $"has weights of eight bits, which saturate on {string.Join(", ", SaturatingSets(scope))}")));

    internal static ChipRule NoDynamicConvolution => new(
        "CPU-03",
        "Convolutions are not quantized dynamically",
        "Leave convolutions float where activations are quantized at run time.",
        scope => scope.Nodes("ConvInteger")
            .Concat(scope.Nodes("Conv").Where(node => scope.Dequantizer(node.Input[0]) is { } pair
                && scope.Index.Producer(pair.Input[0]) is { OpType: "DynamicQuantizeLinear" }))
            .Select(node => new Breach(RuleScope.NameOf(node), $"({node.OpType}) has no kernel for this that is fast, or none at all")));

    private static IEnumerable<string> SaturatingSets(RuleScope scope) => scope.Chip.Target.GetValueOrDefault("isa", "")
        .Split(',', StringSplitOptions.TrimEntries)
        .Intersect(WithoutVnni);

    private static bool IsBeyondSevenBits(RuleScope scope, NodeProto weight)
    {
        if (scope.Index.Constant(weight.Input[0]) is { DataType: (int)DataType.Int8 } codes)
            return scope.Model.Read(codes).ToFloats().Any(code => Math.Abs(code) > LargestSafeCode);

        // Stored as floats: the largest magnitude has the largest code.
        return scope.Stored(weight) is { DataType: (int)DataType.Float } stored && scope.ScalesOf(weight) is { Length: > 0 } scales
            && scope.Model.Read(stored).ToFloats().Select(Math.Abs).DefaultIfEmpty().Max() > (LargestSafeCode + 0.5) * scales.Max();
    }
}
