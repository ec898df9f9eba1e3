using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>Matches every module and replacement of the adapters to a tensor of the base. All problems are collected.</summary>
internal sealed class ChangePlanner(SourceModel model, MergeOptions options, Findings findings)
{
    private static readonly string[] NewHeads = ["lm_head", "embed_out", "classifier", "score", "qa_outputs"];
    private readonly SortedDictionary<string, TensorChange> _changes = new(StringComparer.Ordinal);

    private string BasePath => model.Weights.Path;

    /// <summary>The changes, by the output tensor's name in ordinal order; incomplete if problems were found.</summary>
    public SortedDictionary<string, TensorChange> Plan(IReadOnlyList<WeightedAdapter> adapters)
    {
        foreach (var source in adapters)
        {
            foreach (var replacement in source.Adapter.Replacements)
                Replace(source, replacement);
        }

        foreach (var source in adapters)
        {
            foreach (var module in source.Adapter.Modules)
                Add(source, module);
        }

        return _changes;
    }

    private void Replace(WeightedAdapter source, Replacement replacement)
    {
        var adapter = source.Adapter;
        var stored = model.Find(replacement.Module, replacement.Parameter) ?? SharedEmbedding(adapter, replacement.Module);
        if (stored is null && !MayBeNew(replacement))
        {
            Unmatched(adapter, replacement.FullName);
            return;
        }

        var name = stored?.Name ?? replacement.FullName;
        if (stored is not null && !Fits(stored.Shape, replacement))
            findings.Problems.Add(MergeProblems.ShapeMismatch(
                BasePath, name, stored.Shape.ToString(), adapter.Name, replacement.Value.Shape.ToString()));
        else if (source.Weight != 1)
            findings.Problems.Add(MergeProblems.WeightedReplacement(name, adapter.Name, source.Weight));
        else if (_changes.TryGetValue(name, out var other))
            CheckSame(other, adapter, replacement.Value);
        else
            AddReplaced(name, stored, adapter, replacement);
    }

    private void AddReplaced(string name, Tensor? stored, Adapter adapter, Replacement replacement)
    {
        if (stored is null)
            findings.Warnings.Add($"the base has no tensor '{name}': it is added from adapter '{adapter.Name}'");

        var type = (stored ?? (SourceModel.IsHead(replacement.Module) ? model.TiedEmbedding() : null))?.Type ?? model.WeightType;
        AddChange(new TensorChange(name, type) { Start = replacement.Value, ReplacedBy = adapter, IsNew = stored is null });
    }

    private void Add(WeightedAdapter source, AdapterModule module)
    {
        if (TargetOf(source.Adapter, module) is not { } change)
            return;

        if (change.ReplacedBy is { } other && other != source.Adapter)
            findings.Problems.Add(MergeProblems.Conflict(change.Name, other.Name, source.Adapter.Name, "the first replaces it as a whole"));
        else if (options.Arithmetic == MergeArithmetic.Exact && change.Additions.Count > 0 &&
            (module.Delta.NeedsWeight || change.Additions.Exists(addition => addition.Module.Delta.NeedsWeight)))
            findings.Problems.Add(MergeProblems.RescaledSum(change.Name, change.Additions[0].Source.Adapter.Name, source.Adapter.Name));
        else
            change.Additions.Add(new Addition(source, module));
    }

    private TensorChange? TargetOf(Adapter adapter, AdapterModule module)
    {
        var parameter = module.Name.Parameter(module.Delta.Parameter);
        if (_changes.TryGetValue(parameter, out var planned))
            return planned;

        var shared = module.Delta.Parameter == "weight" ? SharedEmbedding(adapter, module.Name) : null;
        if ((model.Find(module.Name, module.Delta.Parameter) ?? shared) is { } stored)
            return _changes.GetValueOrDefault(stored.Name) ?? AddChange(new TensorChange(stored.Name, stored.Type) { Start = stored });

        if (module.Delta.IsOptional)
            return null;

        if (module.Delta.Parameter == "weight" && SourceModel.IsHead(module.Name) && model.TiedEmbedding() is { } tied)
            return AddChange(new TensorChange(parameter, tied.Type) { Start = tied, IsNew = true });

        if (model.Find(module.Name, "in_proj_weight") is not null)
            findings.Problems.Add(MergeProblems.MultiheadAttention(BasePath, adapter.Name, module.Name.Value));
        else
            Unmatched(adapter, parameter);

        return null;
    }

    private TensorChange? AddChange(TensorChange change)
    {
        if (change.Type is not (ElementType.F64 or ElementType.F32 or ElementType.F16 or ElementType.BF16))
        {
            findings.Problems.Add(MergeProblems.BaseType(BasePath, change.Name, change.Type.Name()));
            return null;
        }

        if (change.IsNew && SourceModel.IsHeadWeight(change.Name) && model.Config is { ScalesTiedHead: true } config)
            findings.Problems.Add(MergeProblems.HeadStaysTied(BasePath, config.ModelType!, change.Name));

        return _changes[change.Name] = change;
    }

    // PEFT merges into the module's parameter, which a tied head shares with the embedding.
    private Tensor? SharedEmbedding(Adapter adapter, ModuleName module) =>
        options.Arithmetic == MergeArithmetic.Peft && SourceModel.IsHead(module) && adapter.Modules.Any(adapted => adapted.Name == module)
            ? model.TiedEmbedding()
            : null;

    private static bool MayBeNew(Replacement replacement) =>
        !replacement.IsBias && NewHeads.Contains(replacement.Module.Segments[^1]);

    // A vocabulary may have grown before training.
    private static bool Fits(TensorShape stored, Replacement replacement)
    {
        var shape = replacement.Value.Shape;
        var hasRows = SourceModel.IsHead(replacement.Module) || SourceModel.IsEmbedding(replacement.Module);
        return shape.Equals(stored) || (hasRows && stored.Rank == shape.Rank && shape.Rank > 0 && shape[0] > stored[0] &&
            shape.Dims[1..].SequenceEqual(stored.Dims[1..]));
    }

    private void CheckSame(TensorChange other, Adapter adapter, Tensor value)
    {
        if (!TensorBytes.Same(other.Start, value))
            findings.Problems.Add(MergeProblems.Conflict(
                other.Name, other.ReplacedBy!.Name, adapter.Name, "they replace it with different values"));
    }

    private void Unmatched(Adapter adapter, string parameter)
    {
        if (options.AllowUnmatched)
            findings.Warnings.Add($"adapter '{adapter.Name}': '{parameter}' is left out, the base has no such tensor");
        else
            findings.Problems.Add(MergeProblems.ModuleUnmatched(BasePath, adapter.Name, parameter, model.Nearest(parameter)));
    }
}
