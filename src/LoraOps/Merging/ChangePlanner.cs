using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>Matches every module and replacement of the adapters to a tensor of the base. All problems are collected.</summary>
internal sealed class ChangePlanner(SourceModel model, MergeOptions options, Findings findings)
{
    private const string InputProjection = "in_proj_weight";
    private const string OutputProjection = ".out_proj";
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

        var experts = new ExpertsResolver(model, findings);
        foreach (var source in adapters)
        {
            // New rows come last, or the delta of the same adapter would be added to them.
            var modules = experts.Resolve(source.Adapter).Where(module => !IsSharedHead(source.Adapter, module));
            foreach (var module in modules.OrderBy(module => module.Delta.Replaces))
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
        var fused = model.Find(module.Name, module.Delta.Parameter) is null ? UnfusedExperts.Fused(model, module.Name, module.Delta) : null;
        if (fused is var (_, rows))
            module = module with { Delta = rows };

        if ((fused is var (stored, _) ? ChangeOf(stored) : TargetOf(source.Adapter, module)) is not { } change)
            return;

        if (change.ReplacedBy is { } other && other != source.Adapter)
            findings.Problems.Add(MergeProblems.Conflict(change.Name, other.Name, source.Adapter.Name, "the first replaces it as a whole"));
        else if (module.Delta.Replaces && source.Weight != 1)
            findings.Problems.Add(MergeProblems.WeightedReplacement(change.Name, source.Adapter.Name, source.Weight));
        else if (Clash(change, source, module.Delta) is { } clash)
            findings.Problems.Add(clash);
        else
            AddTimes(change, new Addition(source, module));
    }

    // Why the delta has no sum with those before it, or null.
    private Problem? Clash(TensorChange change, WeightedAdapter source, Delta delta)
    {
        foreach (var (otherSource, otherModule) in change.Additions)
        {
            var (other, first, second) = (otherModule.Delta, otherSource.Adapter, source.Adapter);
            if (options.Arithmetic == MergeArithmetic.Exact && !delta.Replaces && (delta.NeedsWeight || other.NeedsWeight))
                return MergeProblems.RescaledSum(change.Name, first.Name, second.Name);

            if (delta is TokenRowsDelta rows && other is TokenRowsDelta others && rows.Tokens.Intersect(others.Tokens).Any())
                return MergeProblems.Conflict(change.Name, first.Name, second.Name, $"they both replace row {rows.Tokens.Intersect(others.Tokens).Min()}");

            if (first != second && delta.Replaces != other.Replaces)
                return MergeProblems.Conflict(change.Name, first.Name, second.Name, "one replaces rows of it that the other adds to");
        }

        return null;
    }

    // PEFT wraps the output projection inside a MultiheadAttention a second time, so its delta counts twice there, in training too.
    private void AddTimes(TensorChange change, Addition addition)
    {
        change.Additions.Add(addition);
        var name = addition.Module.Name.Value;
        var owner = name.EndsWith(OutputProjection, StringComparison.Ordinal) ? new ModuleName(name[..^OutputProjection.Length]) : default;
        if (owner.Value is null || model.Find(owner, InputProjection) is null ||
            !addition.Source.Adapter.Modules.Any(module => module.Name == owner))
            return;

        if (options.Arithmetic == MergeArithmetic.Peft)
            change.Additions.Add(addition);
        else
            findings.Warnings.Add($"'{change.Name}': PEFT up to 0.20 adds this delta twice, in training too; --arithmetic peft does the same");
    }

    private TensorChange? TargetOf(Adapter adapter, AdapterModule module)
    {
        var parameter = module.Name.Parameter(module.Delta.Parameter);
        if (_changes.TryGetValue(parameter, out var planned))
            return planned;

        var shared = module.Delta.Parameter == "weight" ? SharedEmbedding(adapter, module.Name) : null;
        if ((model.Find(module.Name, module.Delta.Parameter) ?? shared ?? InputProjectionOf(module)) is { } stored)
            return ChangeOf(stored);

        if (module.Delta.IsOptional)
            return null;

        if (module.Delta.Parameter == "weight" && SourceModel.IsHead(module.Name) && model.TiedEmbedding() is { } tied)
            return AddChange(new TensorChange(parameter, tied.Type) { Start = tied, IsNew = true });

        Unmatched(adapter, parameter);
        return null;
    }

    private TensorChange? ChangeOf(Tensor stored) =>
        _changes.GetValueOrDefault(stored.Name) ?? AddChange(new TensorChange(stored.Name, stored.Type) { Start = stored });

    // torch's MultiheadAttention holds the three projections of its inputs as one parameter of its own.
    private Tensor? InputProjectionOf(AdapterModule module) =>
        module.Delta is LoraDelta { Layer: LayerKind.Linear } ? model.Find(module.Name, InputProjection) : null;

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

    // A head that was kept tied in training has the embedding's factors, transposed and exchanged: it needs no tensor of its own.
    private bool IsSharedHead(Adapter adapter, AdapterModule module) =>
        adapter.Config.TiesWeights && SourceModel.IsHead(module.Name) && model.Find(module.Name, "weight") is null &&
        module.Delta is LoraDelta { Layer: LayerKind.Linear } head && adapter.Modules.Any(other =>
            other.Delta is LoraDelta { Layer: LayerKind.Embedding } embedding && SourceModel.IsEmbedding(other.Name) &&
            head.WeightShape.Equals(embedding.WeightShape) && head.Rank == embedding.Rank && head.Scale.Equals(embedding.Scale) &&
            Same(head.RowFactors(), embedding.RowFactors()));

    private static bool Same((float[] Coefficients, float[] Basis) one, (float[] Coefficients, float[] Basis) other) =>
        one.Coefficients.AsSpan().SequenceEqual(other.Coefficients) && one.Basis.AsSpan().SequenceEqual(other.Basis);

    private static bool MayBeNew(Replacement replacement) =>
        !replacement.IsBias && NewHeads.Contains(replacement.Module.Segments[^1]);

    // A vocabulary may have grown before training, and a classifier have other classes.
    private static bool Fits(TensorShape stored, Replacement replacement)
    {
        var shape = replacement.Value.Shape;
        var hasRows = SourceModel.IsHead(replacement.Module) || SourceModel.IsEmbedding(replacement.Module);
        if (SourceModel.IsClassifier(replacement.Module) && !replacement.IsBias && stored.Rank == shape.Rank && stored.Rank > 0)
            return shape.Dims[1..].SequenceEqual(stored.Dims[1..]);

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
        var nearest = model.Miss(adapter, parameter);
        if (options.AllowUnmatched)
            findings.Warnings.Add($"adapter '{adapter.Name}': '{parameter}' is left out, the base has no such tensor{nearest}");
        else
            findings.Problems.Add(MergeProblems.ModuleUnmatched(BasePath, adapter.Name, parameter, nearest));
    }
}
