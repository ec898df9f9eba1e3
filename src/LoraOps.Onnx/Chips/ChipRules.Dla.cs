using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Chips;

/// <content>What NVIDIA's DLA runs: fixed shapes, few operators, few separate parts.</content>
public static partial class ChipRules
{
    private const int MaxLoadables = 16;
    private const int GroupMultiple = 4;

    internal static ChipRule Dla => new(
        "TRT-11",
        "The DLA runs the model: fixed shapes, operators that it knows, at most 16 separate parts",
        "Fix the dimensions; what the DLA does not run stays on the GPU with --allowGPUFallback.",
        scope => OpenShapes(scope).Concat(TooLarge(scope)).Concat(ForeignOps(scope, "the GPU")).Concat(TooManyParts(scope)).Concat(DlaLayers(scope)));

    // One finding per operator: hundreds of nodes say nothing more.
    private static IEnumerable<Breach> ForeignOps(RuleScope scope, string place) => Computing(scope)
        .Where(node => !IsSupported(scope, node))
        .GroupBy(node => node.OpType, StringComparer.Ordinal)
        .OrderBy(group => group.Key, StringComparer.Ordinal)
        .Select(group => new Breach(group.Key, $"runs on {place}: {Nodes(group.Count())}, the first is {RuleScope.NameOf(group.First())}")
        {
            IsMinor = true,
        });

    private static IEnumerable<Breach> TooManyParts(RuleScope scope) => Parts(scope, node => IsSupported(scope, node)) is var parts && parts > MaxLoadables
        ? [new Breach("the model", $"falls into about {parts} parts, {MaxLoadables} are loaded at a time") { IsMinor = true }]
        : [];

    private static IEnumerable<Breach> DlaLayers(RuleScope scope)
    {
        foreach (var node in scope.Nodes("Conv", "ConvTranspose").Where(node => node.Input.Count > 1))
        {
            var dims = scope.WeightOf(node)?.Dims;
            var groups = node.Integer("group", 1);
            if (dims is not null && dims.Count != 4)
                yield return Minor(node, $"convolves over {dims.Count - 2} dimensions, the DLA over 2");

            if (node.OpType == "ConvTranspose" && groups != 1)
                yield return Minor(node, $"has {groups} groups, the DLA runs one");

            if (node.OpType == "Conv" && groups > 1 && scope.IsDequantizedConstant(node.Input[1]) && dims is [var outputs, var inputs, ..]
                && (inputs % GroupMultiple != 0 || outputs / groups % GroupMultiple != 0))
            {
                yield return Minor(node, $"has groups of {inputs} inputs and {outputs / groups} outputs, int8 wants multiples of {GroupMultiple}");
            }
        }
    }

    /// <summary>The number of runs of nodes that the unit runs, in graph order: an estimate, since the compiler may reorder.</summary>
    private static int Parts(RuleScope scope, Func<NodeProto, bool> runs)
    {
        var parts = 0;
        var isInside = false;
        foreach (var node in Computing(scope))
        {
            parts += runs(node) && !isInside ? 1 : 0;
            isInside = runs(node);
        }

        return parts;
    }

    private static IEnumerable<NodeProto> Computing(RuleScope scope) =>
        scope.Model.Graph.Node.Where(node => node.OpType is not ("Constant" or "QuantizeLinear" or "DequantizeLinear"));

    private static bool IsSupported(RuleScope scope, NodeProto node) =>
        scope.Chip.SupportedOps.Count == 0 || node.Is([.. scope.Chip.SupportedOps]);

    private static Breach Minor(NodeProto node, string what) => new(RuleScope.NameOf(node), what) { IsMinor = true };

    private static string Nodes(int count) => count == 1 ? "1 node" : FormattableString.Invariant($"{count} nodes");
}
