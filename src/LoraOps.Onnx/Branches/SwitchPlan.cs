using LoraOps.Adapters;
using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Branches;

/// <summary>Every node that any adapter changes, with what all adapters do there, in graph order.</summary>
internal sealed class SwitchPlan
{
    private readonly OnnxModel _model;
    private readonly GraphIndex _index;
    private readonly Dictionary<NodeProto, SwitchNode> _nodes = new(ReferenceEqualityComparer.Instance);
    private readonly List<Problem> _problems = [];
    private readonly BatchTrace _trace;

    private SwitchPlan(OnnxModel model, GraphIndex index)
    {
        _model = model;
        _index = index;
        _trace = new BatchTrace(model);
    }

    /// <summary>The input whose samples are counted; null if the model has none.</summary>
    public BatchInput? Leader => _trace.Leader;

    /// <summary>The number of samples that one run takes, or null if it is free.</summary>
    public long? FixedBatch => _trace.FixedBatch;

    /// <summary>The nodes.</summary>
    public IReadOnlyList<SwitchNode> Nodes { get; private set; } = [];

    /// <summary>Finds where the samples are and works every term out.</summary>
    /// <exception cref="LoraOpsException">A node's samples cannot be told apart, or a parameter cannot differ between them.</exception>
    public static SwitchPlan Make(OnnxModel model, GraphIndex index, BranchPlan plan)
    {
        var made = new SwitchPlan(model, index);
        foreach (var site in BranchNode.Of(model, plan, index))
            made.AddChanges(site);

        foreach (var whole in plan.Wholes)
            made.AddWhole(whole);

        var uses = WeightUses.Find(index).Where(use => use.Bias is not null).ToList();
        foreach (var parameter in plan.Parameters)
            made.AddBias(parameter, uses);

        made.KeepBiases();
        if (made._problems.Count > 0)
            throw new LoraOpsException(made._problems);

        made.Nodes = [.. index.Nodes.Where(made._nodes.ContainsKey).Select(node => made._nodes[node])];
        return made;
    }

    private void AddChanges(BranchNode site)
    {
        if (At(site) is not { } node)
            return;

        foreach (var share in site.Shares)
        {
            var weight = ModuleWeight.Of(_model, share.Module.Resolution, share.Module.Changes[0].Delta.WeightShape!);
            foreach (var change in share.Module.Changes)
                node.Terms.Add(change.Adapter, share.Place, InputsForm.FactorsOf(share.Module, change, weight));
        }
    }

    private void AddWhole(BranchWhole whole)
    {
        foreach (var place in whole.Resolution.Places)
        {
            if (At(place.Use) is not { } node)
                continue;

            var stored = StoredWeight.Read(_model, place.Use);
            foreach (var change in whole.Changes)
            {
                var values = WholeValues.Replaced(place, stored, change.Replacement.Value.ToFloats());
                for (var i = 0; i < values.Length; i++)
                    values[i] -= stored[i];

                var factors = BranchFactors.Of(place.Use.Layer, checked((int)place.Use.Shape[0]), Whole(place.Use, values));
                node.Terms.Add(change.Adapter, new WeightPlace(place.Use), factors);
            }
        }
    }

    // A branch has one group: what a row sees of the other groups is zero.
    private static float[] Whole(WeightUse use, float[] values)
    {
        if (use.Groups == 1)
            return values;

        var (row, rows) = (checked((int)use.Shape.RowLength), checked((int)(use.Shape[0] / use.Groups)));
        var whole = new float[checked((int)use.WholeShape.ElementCount)];
        for (var output = 0; output < use.Shape[0]; output++)
            values.AsSpan(output * row, row).CopyTo(whole.AsSpan((output * row * (int)use.Groups) + (output / rows * row)));

        return whole;
    }

    private void AddBias(BranchParameter parameter, List<WeightUse> uses)
    {
        var name = parameter.Target.Replacement.FullName;
        foreach (var edge in parameter.Target.Edges)
        {
            if (uses.Find(use => use.Bias!.Value.IsSame(edge)) is not { } use || parameter.Target.Replacement.Parameter == "weight")
            {
                _problems.Add(FormProblems.ParameterNotPerSample(_model.Path, name, $"it is no bias of a layer but an input of {edge.Node.OpType}"));
                continue;
            }

            if (At(use) is not { } node)
                continue;

            var stored = _model.Read(parameter.Stored).ToFloats();
            foreach (var change in parameter.Changes)
                node.Terms.AddBias(change.Adapter, [.. parameter.Target.With([.. stored], change.Replacement).Zip(stored, (value, old) => value - old)]);
        }
    }

    // What the node adds itself is in its output already, and DoRA does not rescale a bias.
    private void KeepBiases()
    {
        foreach (var node in _nodes.Values.Where(node => node.Terms.IsRescaled))
        {
            if (node.Site.Norm is { } norm)
                node.Terms.KeepBias(norm.Shift);
            else if (node.Site.OwnBias is { } bias)
                node.Terms.KeepBias(Array.ConvertAll(_model.Read(_index.Stored(bias)!).ToFloats(), value => value * node.Site.Node.Float("beta", 1)));
        }
    }

    private SwitchNode? At(WeightUse use) => _nodes.TryGetValue(use.Node, out var known)
        ? known
        : At(new BranchNode(use, []) { Norm = BatchNorm.Behind(_model, use, _index) });

    private SwitchNode? At(BranchNode site)
    {
        if (!_nodes.TryGetValue(site.Node, out var known) && SampledNode.Of(site, _trace, _model.Path, _problems) is { } sampled)
            known = _nodes[site.Node] = new SwitchNode(sampled, new SwitchTerms(site));

        return known;
    }
}
