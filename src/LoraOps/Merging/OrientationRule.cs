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

    /// <summary>True for the names that layers of OpenAI's Conv1D have, which store [in, out].</summary>
    public static bool IsConv1DName(ModuleName module) => Conv1DLayers.Contains(module.Segments[^1]);

    /// <summary>Sets every change's orientation; a shape that fits neither way is a problem.</summary>
    public void Apply()
    {
        var linear = Linear().ToList();
        foreach (var (change, addition) in linear.Where(pair => !FitsBothWays(pair)))
            change.IsTransposed = addition.Module.Delta.Fits(Reversed(change.Shape));

        var shown = linear.Where(pair => !FitsBothWays(pair)).Select(pair => pair.Change.IsTransposed).ToList();
        foreach (var (change, addition) in linear.Where(FitsBothWays))
            change.IsTransposed = OfAmbiguous(change, addition, shown);

        foreach (var change in changes)
        {
            foreach (var (source, module) in change.Additions)
                Check(change, source.Adapter, module);
        }
    }

    private IEnumerable<(TensorChange Change, Addition Addition)> Linear() =>
        from change in changes
        from addition in change.Additions
        where addition.Module.Delta is { Layer: LayerKind.Linear, Parameter: "weight" } && change.Shape.Rank == 2
        select (change, addition);

    private static bool FitsBothWays((TensorChange Change, Addition Addition) pair) =>
        pair.Addition.Module.Delta.Fits(pair.Change.Shape) && pair.Addition.Module.Delta.Fits(Reversed(pair.Change.Shape));

    private bool OfAmbiguous(TensorChange change, Addition addition, List<bool> shown)
    {
        if (model.Config is { StoresConv1D: true })
            return IsConv1DName(addition.Module.Name);

        if (shown.Count > 0)
            return shown.TrueForAll(isTransposed => isTransposed);

        if (addition.Source.Adapter.Config.FanInFanOut)
            findings.Warnings.Add($"'{change.Name}' {change.Shape} fits both ways and nothing but fan_in_fan_out says that it is stored [in, out]");

        return addition.Source.Adapter.Config.FanInFanOut;
    }

    private void Check(TensorChange change, Adapter adapter, AdapterModule module)
    {
        var (stored, delta) = (change.Shape, module.Delta);

        // Some methods fit every shape, but an empty weight has no rows to change.
        if (stored.ElementCount > 0 && delta.Fits(change.IsTransposed ? Reversed(stored) : stored))
            return;

        var isGrouped = delta is { Layer: LayerKind.Convolution, WeightShape: { } wanted } && stored.Rank == wanted.Rank &&
            stored[0] == wanted[0] && stored.Dims[2..].SequenceEqual(wanted.Dims[2..]) &&
            stored[1] > 0 && wanted[1] % stored[1] == 0;
        findings.Problems.Add(isGrouped
            ? AdapterProblems.GroupedConvolution(adapter.Folder, module.Name.Value, stored[1], delta.WeightShape![1])
            : MergeProblems.ShapeMismatch(model.Weights.Path, change.Name, stored.ToString(), adapter.Name, delta.Expected));
    }

    private static TensorShape Reversed(TensorShape shape) => new(shape[1], shape[0]);
}
