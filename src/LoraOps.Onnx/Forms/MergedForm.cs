using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Problems;

namespace LoraOps.Onnx.Forms;

/// <summary>
/// The form <em>merged</em>: every delta is folded into the stored weight, W ← W + Σ wᵢ·ΔWᵢ in float32, rounded once.
/// Whatever no adapter touches keeps its bytes.
/// </summary>
public static class MergedForm
{
    /// <summary>Maps every module of the adapters and changes nothing; for planning.</summary>
    /// <exception cref="LoraOpsException">A module or parameter has no place in the graph, or a wrong one.</exception>
    public static void Check(OnnxModel model, IReadOnlyList<WeightedAdapter> adapters, MappingOptions options) =>
        MergedFormPlan.Make(model, new GraphIndex(model), adapters, options);

    // Since IR version 4 an initializer that is an input as well is a default.
    private static IEnumerable<string> Overridable(OnnxModel model, GraphIndex index, List<Site> sites) => sites
        .Select(site => site.Copy ?? site.Initializer).Distinct(StringComparer.Ordinal)
        .Where(name => model.Proto.IrVersion >= TensorEditor.OldestIrWithoutInputs && index.IsInput(name))
        .Select(name => $"'{name}' holds the adapter now but is an input as well: who feeds it takes the adapter away.");

    /// <summary>Folds adapters into a copy of the model.</summary>
    /// <param name="model">The base graph; not changed.</param>
    /// <param name="adapters">The adapters and their weights; their deltas are summed before the one rounding.</param>
    /// <param name="options">What the mapping may lean on.</param>
    /// <exception cref="LoraOpsException">A module or parameter has no place in the graph, or a wrong one; nothing is left out.</exception>
    public static Conversion Convert(OnnxModel model, IReadOnlyList<WeightedAdapter> adapters, MappingOptions options)
    {
        var merged = model.Clone();
        var index = new GraphIndex(merged);
        var plan = MergedFormPlan.Make(merged, index, adapters, options);
        var editor = new TensorEditor(merged, index);
        var problems = new List<Problem>();
        var weights = plan.Weights.SelectMany(new WeightFolding(merged, editor, problems).Apply).ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        var replaced = plan.Parameters.Select(target => target.Apply(merged, editor)).ToList();
        var sites = weights.Concat(replaced).ToList();
        var warnings = adapters.SelectMany(adapter => adapter.Adapter.Warnings).Concat(plan.Warnings).Concat(Overridable(merged, index, sites));
        return new Conversion(merged, sites, [.. warnings]);
    }
}
