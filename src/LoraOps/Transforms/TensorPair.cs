using LoraOps.Adapters;
using LoraOps.Merging;
using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>One parameter as two checkpoints hold it.</summary>
/// <param name="Module">The layer, as the base names it.</param>
/// <param name="Parameter">The parameter's own name.</param>
/// <param name="Base">What the base computes with; null if it has none.</param>
/// <param name="Tuned">What the trained model computes with; null if it has none.</param>
internal sealed record TensorPair(ModuleName Module, string Parameter, Tensor? Base, Tensor? Tuned)
{
    private const string Weight = "weight";

    /// <summary>The parameter's full name.</summary>
    public string FullName => Module.Parameter(Parameter);

    /// <summary>Pairs the parameters of two checkpoints, in the base's order and then what only the second has. A head that one of
    /// them has tied to its embedding is paired with that; one that both have tied is the embedding and no pair of its own.</summary>
    public static IReadOnlyList<TensorPair> Of(SourceModel model, SourceModel tuned)
    {
        var (pairs, taken) = (new List<TensorPair>(), new HashSet<string>(StringComparer.Ordinal));
        foreach (var tensor in model.Weights.Tensors)
        {
            var (module, parameter) = Split(tensor.Name);
            var other = tuned.Weights.Find(tensor.Name) ?? tuned.Find(module, parameter);
            if (other is not null)
                taken.Add(other.Name);

            pairs.Add(new TensorPair(module, parameter, tensor, other ?? (IsHead(module, parameter) ? tuned.TiedEmbedding() : null)));
        }

        foreach (var tensor in tuned.Weights.Tensors.Where(tensor => !taken.Contains(tensor.Name)))
        {
            var (module, parameter) = Split(tensor.Name);
            if (!IsHead(module, parameter))
                pairs.Add(new TensorPair(module, parameter, null, tensor));
            else if (!IsCopy(tuned, tensor) || model.TiedEmbedding() is null)
                pairs.Add(new TensorPair(module, parameter, model.TiedEmbedding(), tensor));
        }

        return pairs;
    }

    /// <summary>True if both models compute their heads with their embeddings.</summary>
    public static bool AreTied(SourceModel model, SourceModel tuned) =>
        model.Config is { HasLanguageHead: true } && IsTied(model) && IsTied(tuned);

    private static bool IsTied(SourceModel model) => model.TiedEmbedding() is not null &&
        model.Weights.Tensors.Where(tensor => SourceModel.IsHeadWeight(tensor.Name)).All(tensor => IsCopy(model, tensor));

    // Some files hold a tied head a second time.
    private static bool IsCopy(SourceModel model, Tensor head) =>
        model.Config?.TiesEmbeddings == true && model.TiedEmbedding() is { } embedding && TensorBytes.Same(embedding, head);

    private static bool IsHead(ModuleName module, string parameter) => parameter == Weight && SourceModel.IsHead(module);

    private static (ModuleName Module, string Parameter) Split(string name) =>
        name.LastIndexOf('.') is >= 0 and var dot ? (new ModuleName(name[..dot]), name[(dot + 1)..]) : (new ModuleName(""), name);
}
