using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Deltas;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>
/// What becomes of a head that is tied to the embedding: the two are separated when only one changed, as the model with the
/// adapter attached computes them. The config must then say so, or loading the result would tie them again.
/// </summary>
internal sealed class Tying(SourceModel model, SortedDictionary<string, TensorChange> changes, Findings findings)
{
    private const string HeadWeight = "lm_head.weight";

    /// <summary>True if head and embedding are two tensors in the output although the base's config ties them.</summary>
    public bool IsUntied { get; private set; }

    /// <summary>The vocabulary's size before and after, if a saved embedding or head has more rows.</summary>
    public (long Before, long After)? Vocabulary { get; private set; }

    /// <summary>The number of classes, if a saved classifier has other ones than the base.</summary>
    public long? Classes { get; private set; }

    /// <summary>Adds or drops the head's own tensor and sees what the config must say.</summary>
    public void Settle(IReadOnlyList<WeightedAdapter> adapters, MergeArithmetic arithmetic)
    {
        var embedding = model.TiedEmbedding();
        var changed = embedding is null ? null : changes.GetValueOrDefault(embedding.Name);
        var head = changes.Values.FirstOrDefault(change => change.IsNew && SourceModel.IsHeadWeight(change.Name));
        SeeVocabulary();
        SeeClasses();
        if (head is not null && changed is not null && AreOne(head, changed))
        {
            changes.Remove(head.Name);
            head = null;
        }
        else if (head is null && changed is not null && !KeepsRowsTied(changed) && embedding!.Shape.Equals(changed.Shape) && MustSeparate(adapters, arithmetic))
        {
            head = changes[HeadWeight] = new TensorChange(HeadWeight, embedding.Type) { Start = embedding, IsNew = true };
        }

        var second = model.Config?.TiesEmbeddings == true ? model.Weights.Names.FirstOrDefault(SourceModel.IsHeadWeight) : null;
        ShareRows(changed, head ?? (second is null ? null : changes.GetValueOrDefault(second) ?? ChangeOf(second)));
        IsUntied = model.Config is { TiesEmbeddings: not false } &&
            (head is not null || (second is not null && TouchesEither() && !(changed is not null && KeepsRowsTied(changed))));
        if (IsUntied)
            findings.Warnings.Add("head and embedding were one tensor and are two now: config.json must say tie_word_embeddings false");
    }

    private TensorChange ChangeOf(string head)
    {
        var stored = model.Weights.Find(head)!;
        return new TensorChange(head, stored.Type) { Start = stored };
    }

    private bool MustSeparate(IReadOnlyList<WeightedAdapter> adapters, MergeArithmetic arithmetic) =>
        arithmetic == MergeArithmetic.Exact && !model.Weights.Names.Any(SourceModel.IsHeadWeight) &&
        model.Config is { HasLanguageHead: true, ScalesTiedHead: false } &&
        !adapters.Any(source => source.Adapter.Config.TiesWeights);

    // Trained tokens are saved for the embedding only, and a tied head takes them too.
    private static bool KeepsRowsTied(TensorChange embedding) =>
        embedding.ReplacedBy is null && embedding.Additions.TrueForAll(addition => addition.Module.Delta.Replaces);

    private void ShareRows(TensorChange? embedding, TensorChange? head)
    {
        var rows = embedding?.Additions.Where(addition => addition.Module.Delta.Replaces).ToList();
        if (rows is not { Count: > 0 } || head is not { ReplacedBy: null } || head.Additions.Exists(addition => addition.Module.Delta.Replaces))
            return;

        head.Additions.AddRange(rows);
        changes[head.Name] = head;
    }

    private bool TouchesEither() => changes.Values.Any(IsEither);

    private static bool IsEither(TensorChange change) =>
        SourceModel.IsHeadWeight(change.Name) || SourceModel.IsEmbeddingWeight(change.Name);

    private void SeeVocabulary()
    {
        foreach (var change in changes.Values.Where(change => change.ReplacedBy is not null && IsEither(change)))
        {
            var before = (model.Weights.Find(change.Name) ?? model.TiedEmbedding())?.Shape;
            if (before is { Rank: > 0 } && before[0] != change.Shape[0])
                Vocabulary = (before[0], change.Shape[0]);
        }
    }

    private void SeeClasses()
    {
        foreach (var change in changes.Values.Where(change => change.ReplacedBy is not null && change.Shape.Rank == 2 &&
            change.Name.EndsWith(".weight", StringComparison.Ordinal) && SourceModel.IsClassifier(new ModuleName(change.Name))))
        {
            var before = change.IsNew ? model.Config?.Classes : model.Weights.Find(change.Name)?.Shape[0];
            if (before == change.Shape[0])
                continue;

            Classes = change.Shape[0];
            var found = before?.ToString(CultureInfo.InvariantCulture) ?? "no classifier";
            findings.Warnings.Add(FormattableString.Invariant(
                $"'{change.Name}' has {Classes} classes, the base {found}: config.json calls them LABEL_0 …"));
        }
    }

    private static bool AreOne(TensorChange head, TensorChange embedding) =>
        head.Additions.Count == 0 && embedding.Additions.Count == 0 && head.Type == embedding.Type &&
        TensorBytes.Same(head.Start, embedding.Start);
}
