using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Chips;

/// <content>What QNN's builders take of a graph.</content>
public static partial class ChipRules
{
    internal static ChipRule QnnNames => new(
        "QNN-09",
        "Nodes have names of their own, and what Gather reads is constant and in range",
        "Name the nodes, and fold the indices to constants from 0 to the dimension.",
        scope => NameBreaches(scope).Concat(scope.Nodes("Gather").SelectMany(node => GatherBreaches(scope, node))));

    internal static ChipRule QnnOperators => new(
        "QNN-10",
        "All operators are ones that QNN builds, with attributes that it takes",
        "Replace the operator, or let it run on the CPU.",
        scope => ForeignOps(scope, "the CPU").Concat(Computing(scope).SelectMany(node => QnnObstacle(scope, node) is { } what
            ? [new Breach(RuleScope.NameOf(node), $"({node.OpType}) {what}")]
            : Array.Empty<Breach>())));

    private static IEnumerable<Breach> NameBreaches(RuleScope scope)
    {
        // One finding: a model of which nobody kept the names has hundreds of them.
        if (scope.Model.Graph.Node.Where(node => node.Name.Length == 0).ToList() is [var first, ..] unnamed)
            yield return Minor(first, $"({first.OpType}) has no name: {Nodes(unnamed.Count)} in all");

        foreach (var group in scope.Model.Graph.Node.Where(node => node.Name.Length > 0).GroupBy(node => node.Name, StringComparer.Ordinal))
        {
            if (group.Count() > 1)
                yield return new Breach(group.Key, $"is the name of {Nodes(group.Count())}");
        }
    }

    // A negative index counts from the end: ONNX Runtime's provider folds constant ones, the converters do not.
    private static IEnumerable<Breach> GatherBreaches(RuleScope scope, NodeProto node)
    {
        if (scope.Index.Constant(node.InputAt(1)) is not { } indices)
            return [Minor(node, "reads indices that are no constant")];

        var values = scope.Model.Read(indices).ToFloats();
        var dims = scope.Index.Constant(node.Input[0])?.Dims ?? scope.Shapes.Find(node.Input[0]);
        var axis = (int)node.Integer("axis", 0);
        var size = dims is null ? 0 : dims[axis < 0 ? axis + dims.Count : axis];
        if (size > 0 && values.Any(index => index >= size || index < -size))
            return [new Breach(RuleScope.NameOf(node), string.Create(CultureInfo.InvariantCulture, $"reads beyond its {size} rows"))];

        return values.Any(index => index < 0) ? [Minor(node, "reads negative indices")] : [];
    }

    private static string? QnnObstacle(RuleScope scope, NodeProto node) => node.OpType switch
    {
        "Conv" when scope.WeightOf(node)?.Dims.Count is < 3 or > 5 => "has a filter of other than 3 to 5 dimensions",
        "ConvTranspose" when node.Integers("dilations").Any(dilation => dilation != 1) => "is dilated",
        "Gemm" when node.Float("alpha", 1) != 1 || node.Float("beta", 1) != 1 => "has a factor alpha or beta",
        "Gemm" when BiasDims(scope, node) is { } dims && dims.SkipLast(1).Any(dim => dim != 1) => "has a bias that is no row",
        "LayerNormalization" or "RMSNormalization" when !IsLastAxis(scope, node) => "normalises another dimension than the last",
        "MaxPool" or "AveragePool" when node.Integers("kernel_shape").Count is < 1 or > 3 => "pools over other than 1 to 3 dimensions",
        "MaxPool" or "AveragePool" when node.Integers("dilations").Any(dilation => dilation != 1) => "is dilated",
        "Pad" when ModeOf(node) is not ("" or "constant") => $"pads in mode {ModeOf(node)}",
        "Reshape" when node.Integer("allowzero", 0) != 0 && scope.Numbers(node.InputAt(1))?.Contains(0) == true => "makes a tensor without elements",
        _ => null,
    };

    private static Google.Protobuf.Collections.RepeatedField<long>? BiasDims(RuleScope scope, NodeProto node) => scope.Index.Constant(node.InputAt(2))?.Dims
        ?? (scope.Dequantizer(node.InputAt(2)) is { } bias ? scope.Stored(bias)?.Dims : null);

    private static bool IsLastAxis(RuleScope scope, NodeProto node) =>
        node.Integer("axis", -1) is var axis && (axis == -1 || RankOf(scope, node.Input[0]) is not { } rank || axis == rank - 1);

    private static string ModeOf(NodeProto node) =>
        node.Attribute.FirstOrDefault(attribute => attribute.Name == "mode")?.S.ToStringUtf8() ?? "";
}
