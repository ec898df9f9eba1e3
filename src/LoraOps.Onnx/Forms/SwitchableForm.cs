using LoraOps.Adapters;
using LoraOps.Onnx.Branches;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;

namespace LoraOps.Onnx.Forms;

/// <summary>
/// The form <em>switchable</em>: all adapters lie in one graph, and each sample of a batch chooses its own. The input <c>adapter</c>, int64 [batch],
/// is 0 for the base and i for the i-th adapter; with <see cref="FormOptions.Blends"/> the input is <c>adapter_weights</c>, float [batch, adapters]:
/// zeros are the base, a single 1 is one adapter, anything else the weighted sum of what they change. Ranks and modules may differ.
/// </summary>
public static class SwitchableForm
{
    /// <summary>The value of <see cref="FormMetadata.Form"/>.</summary>
    public const string Name = "switchable";

    /// <summary>Puts all adapters into a copy of the model.</summary>
    /// <param name="model">The base graph; not changed.</param>
    /// <param name="adapters">The adapters in the order of their numbers; a weight scales all that its adapter does.</param>
    /// <param name="options">What the mapping may lean on.</param>
    /// <param name="form">How the branches are made.</param>
    /// <exception cref="LoraOpsException">A module has no place in the graph, or its samples cannot be told apart there.</exception>
    public static Conversion Convert(
        OnnxModel model, IReadOnlyList<WeightedAdapter> adapters, MappingOptions options, FormOptions? form = null)
    {
        form ??= new FormOptions();
        var converted = model.Clone();
        var index = new GraphIndex(converted);
        var plan = BranchPlan.Make(converted, index, adapters, options);
        var switched = SwitchPlan.Make(converted, index, plan);
        var names = new NameSet(converted);
        var constants = new ModelConstants(converted, names);
        var weights = new SampleWeights(converted, names, constants, adapters.Count, switched.Leader);
        if (form.Blends)
            weights.TakeWeights();
        else
            weights.TakeIndex();

        var choice = new SwitchChoice(switched.FixedBatch ?? form.Samples, form.Positions, form.Blends);
        var branch = new SwitchBranch(index, constants, names, weights, adapters.Count);
        foreach (var group in Groups(switched.Nodes.Where(node => !choice.IsGathered(node)), index))
            branch.Mix(group);

        foreach (var node in switched.Nodes.Where(choice.IsGathered))
            branch.Gather(node);

        weights.Finish();
        var metadata = new FormMetadata { Form = Name, BaseDigest = ModelDigest.Of(model), Adapters = [.. adapters.Select(source => source.Adapter.Name)] };
        metadata.Write(converted);
        var reasons = switched.Nodes.ToDictionary(node => node.Site, choice.Reason);
        return new Conversion(converted, BranchSites.Of(plan, [.. reasons.Keys], site => reasons[site]), BranchSites.Warnings(plan, adapters));
    }

    // q, k and v read one value: their first products are one.
    private static IEnumerable<IReadOnlyList<SwitchNode>> Groups(IEnumerable<SwitchNode> nodes, GraphIndex index)
    {
        var all = nodes.ToList();
        while (all.Count > 0)
        {
            var first = all[0];
            var group = all.Where((node, at) => at == 0 || IsShared(first, node, index)).ToList();
            all.RemoveAll(group.Contains);
            yield return group;
        }
    }

    private static bool IsShared(SwitchNode one, SwitchNode other, GraphIndex index) =>
        one.Site.Layer == LayerKind.Linear && other.Site.Layer == LayerKind.Linear && one.Site.Source == other.Site.Source
        && one.Site.Node.Integer("transA", 0) == 0 && other.Site.Node.Integer("transA", 0) == 0
        && one.Site.Type == other.Site.Type && ReferenceEquals(index.Owner(one.Site.Node), index.Owner(other.Site.Node));
}
