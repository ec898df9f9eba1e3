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

    /// <summary>Adds or drops the head's own tensor and sees what the config must say.</summary>
    public void Settle(IReadOnlyList<WeightedAdapter> adapters, MergeArithmetic arithmetic)
    {
        var embedding = model.TiedEmbedding();
        var changed = embedding is null ? null : changes.GetValueOrDefault(embedding.Name);
        var head = changes.Values.FirstOrDefault(change => change.IsNew && SourceModel.IsHeadWeight(change.Name));
        SeeVocabulary();
        if (head is not null && changed is not null && AreOne(head, changed))
        {
            changes.Remove(head.Name);
            head = null;
        }
        else if (head is null && changed is not null && embedding!.Shape.Equals(changed.Shape) && MustSeparate(adapters, arithmetic))
        {
            head = changes[HeadWeight] = new TensorChange(HeadWeight, embedding.Type) { Start = embedding, IsNew = true };
        }

        var storesBoth = model.Config?.TiesEmbeddings == true && model.Weights.Names.Any(SourceModel.IsHeadWeight);
        IsUntied = model.Config is { TiesEmbeddings: not false } && (head is not null || (storesBoth && TouchesEither()));
        if (IsUntied)
            findings.Warnings.Add("head and embedding were one tensor and are two now: config.json must say tie_word_embeddings false");
    }

    private bool MustSeparate(IReadOnlyList<WeightedAdapter> adapters, MergeArithmetic arithmetic) =>
        arithmetic == MergeArithmetic.Exact && !model.Weights.Names.Any(SourceModel.IsHeadWeight) &&
        model.Config is { HasLanguageHead: true, ScalesTiedHead: false } &&
        !adapters.Any(source => source.Adapter.Config.TiesWeights);

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

    private static bool AreOne(TensorChange head, TensorChange embedding) =>
        head.Additions.Count == 0 && embedding.Additions.Count == 0 && head.Type == embedding.Type &&
        TensorBytes.Same(head.Start, embedding.Start);
}
