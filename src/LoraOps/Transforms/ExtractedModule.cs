using LoraOps.Adapters;
using LoraOps.Merging;

namespace LoraOps.Transforms;

/// <summary>A layer whose weight's difference becomes two factors.</summary>
/// <param name="Pair">Its weight before and after, of one shape.</param>
/// <param name="Layer">What it computes.</param>
/// <param name="IsTransposed">It is stored [in, out].</param>
internal sealed record ExtractedModule(TensorPair Pair, LayerKind Layer, bool IsTransposed)
{
    private const int MostDimensions = 5;
    private static readonly string[] EmbeddingEnds = ["embedding", "embeddings", "embed_positions", "embed_in", "wpe", "relative_attention_bias"];

    /// <summary>The layer of a changed parameter; null if its difference has no useful factors.</summary>
    /// <param name="pair">A parameter of one shape before and after.</param>
    /// <param name="model">The base.</param>
    public static ExtractedModule? Of(TensorPair pair, SourceModel model)
    {
        var shape = pair.Tuned!.Shape;
        if (pair.Parameter != "weight" || pair.Module.Value.Length == 0 || shape.Rank is < 2 or > MostDimensions ||
            shape.ElementCount == 0 || shape.ElementCount > Array.MaxLength)
            return null;

        // One input for each of many outputs: a depthwise convolution, whose groups LoRA's factors do not have.
        if (shape.Rank > 2)
            return shape[1] == 1 && shape[0] > 1 ? null : new ExtractedModule(pair, LayerKind.Convolution, false);

        if (IsEmbedding(pair.Module))
            return new ExtractedModule(pair, LayerKind.Embedding, false);

        var isTransposed = (model.Config?.StoresConv1D ?? true) && OrientationRule.IsConv1DName(pair.Module);
        return new ExtractedModule(pair, LayerKind.Linear, isTransposed);
    }

    private static bool IsEmbedding(ModuleName module) => SourceModel.IsEmbedding(module) ||
        Array.Exists(EmbeddingEnds, end => module.Segments[^1].EndsWith(end, StringComparison.Ordinal));
}
