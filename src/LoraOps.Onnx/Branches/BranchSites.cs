using LoraOps.Adapters;
using LoraOps.Onnx.Forms;

namespace LoraOps.Onnx.Branches;

/// <summary>Tells people what a plan changed, and where.</summary>
internal static class BranchSites
{
    /// <summary>One row for each adapted node and each replaced parameter.</summary>
    public static IReadOnlyList<Site> Of(BranchPlan plan, IReadOnlyList<BranchNode> nodes, Func<BranchNode, string> pattern) =>
    [
        .. nodes.SelectMany(node => node.Shares.Select(share => Of(node, share, pattern(node)))),
        .. plan.Wholes.Select(Of),
        .. plan.Parameters.Select(Of),
    ];

    /// <summary>What is odd but not wrong.</summary>
    public static IReadOnlyList<string> Warnings(BranchPlan plan, IReadOnlyList<WeightedAdapter> adapters) =>
    [
        .. adapters.SelectMany(source => source.Adapter.Warnings),
        .. plan.Modules.SelectMany(module => module.Resolution.Warnings).Concat(plan.Wholes.SelectMany(whole => whole.Resolution.Warnings)).Distinct(),
        .. plan.Modules.SelectMany(module => module.Changes
            .Where(change => change.Delta is not (Deltas.DoraDelta or Deltas.GroupedLoraDelta) and { IsProduct: false })
            .Select(change => $"module '{module.Resolution.Module}' of adapter '{adapters[change.Adapter].Adapter.Name}': {change.Delta.Method} has no thin "
                + $"factors, so its branch has the layer's full rank and is as large as the weight {change.Delta.WeightShape}")),
    ];

    private static Site Of(BranchNode node, BranchShare share, string pattern) => new()
    {
        Module = share.Module.Resolution.Module,
        Parameter = "weight",
        Method = string.Join("+", share.Module.Changes.Select(change => change.Delta.Method).Distinct()),
        Nodes = [node.Node.Name],
        Operator = node.Node.OpType,
        Initializer = node.Use.Name,
        Rows = share.Place.Rows,
        IsTransposed = node.Use.IsTransposed,
        Evidence = share.Module.Resolution.Evidence,
        IsVerified = share.Module.Resolution.IsVerified,
        Rank = share.Module.Changes.Max(change => change.Delta.Rank),
        Pattern = pattern,
    };

    private static Site Of(BranchWhole whole) => new()
    {
        Module = whole.Resolution.Module,
        Parameter = "weight",
        Method = "replaced",
        Nodes = [.. whole.Resolution.Uses.Select(use => use.Node.Name)],
        Operator = whole.Resolution.Places[0].Use.Node.OpType,
        Initializer = whole.Resolution.Places[0].Use.Name,
        IsTransposed = whole.Resolution.Places[0].Use.IsTransposed,
        Evidence = whole.Resolution.Evidence,
        IsVerified = whole.Resolution.IsVerified,
    };

    private static Site Of(BranchParameter parameter) => new()
    {
        Module = parameter.Target.Replacement.Module,
        Parameter = parameter.Target.Replacement.Parameter,
        Method = "replaced",
        Nodes = [.. parameter.Target.Edges.Select(edge => edge.Node.Name)],
        Operator = parameter.Target.Edges[0].Node.OpType,
        Initializer = parameter.Name,
        Rows = parameter.Target.Rows,
        Evidence = parameter.Target.Evidence,
        IsVerified = parameter.Target.IsVerified,
    };
}
