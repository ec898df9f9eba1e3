using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>
/// Decides whether a weight is stored [in, out] (GPT-2's Conv1D): by its shape; for square ones by the model's family, then by
/// what the adapter's other layers show, and only then by the config's flag, which PEFT leaves as its last layer had it.
/// </summary>
internal sealed class OrientationRule(SourceModel model, IReadOnlyCollection<TensorChange> changes, Findings findings)
{
    private static readonly string[] Conv1DLayers = ["c_attn", "c_proj", "c_fc", "q_attn"];

    /// <summary>Sets every change's orientation; a shape that fits neither way is a problem.</summary>
    public void Apply()
    {
        foreach (var (change, addition) in Linear().Where(pair => !IsSquare(pair.Change.Shape)))
            change.IsTransposed = IsReversed(change.Shape, addition.Module.Delta.WeightShape);

        var shown = Linear().Where(pair => !IsSquare(pair.Change.Shape)).Select(pair => pair.Change.IsTransposed).ToList();
        foreach (var (change, addition) in Linear().Where(pair => IsSquare(pair.Change.Shape)))
            change.IsTransposed = OfSquare(change, addition, shown);

        foreach (var change in changes)
        {
            foreach (var (source, module) in change.Additions)
                Check(change, source.Adapter, module);
        }
    }

    private IEnumerable<(TensorChange Change, Addition Addition)> Linear() =>
        from change in changes
        from addition in change.Additions
        where addition.Module.Delta.Layer == LayerKind.Linear && change.Shape.Rank == 2
        select (change, addition);

    private bool OfSquare(TensorChange change, Addition addition, List<bool> shown)
    {
        if (model.Config is { StoresConv1D: true })
            return Conv1DLayers.Contains(addition.Module.Name.Segments[^1]);

        if (shown.Count > 0)
            return shown.TrueForAll(isTransposed => isTransposed);

        if (addition.Source.Adapter.Config.FanInFanOut)
            findings.Warnings.Add($"'{change.Name}' is square and nothing but fan_in_fan_out says that it is stored [in, out]");

        return addition.Source.Adapter.Config.FanInFanOut;
    }

    private void Check(TensorChange change, Adapter adapter, AdapterModule module)
    {
        var (stored, wanted) = (change.Shape, module.Delta.WeightShape);
        if (change.IsTransposed ? IsReversed(stored, wanted) : stored.Equals(wanted))
            return;

        var isGrouped = module.Delta.Layer == LayerKind.Convolution && stored.Rank == wanted.Rank && stored[0] == wanted[0] &&
            stored.Dims[2..].SequenceEqual(wanted.Dims[2..]) && wanted[1] % stored[1] == 0;
        findings.Problems.Add(isGrouped
            ? AdapterProblems.GroupedConvolution(adapter.Folder, module.Name.Value, stored[1], wanted[1])
            : MergeProblems.ShapeMismatch(model.Weights.Path, change.Name, stored.ToString(), adapter.Name, wanted.ToString()));
    }

    private static bool IsSquare(TensorShape shape) => shape[0] == shape[1];

    private static bool IsReversed(TensorShape stored, TensorShape wanted) => stored[0] == wanted[1] && stored[1] == wanted[0];
}
