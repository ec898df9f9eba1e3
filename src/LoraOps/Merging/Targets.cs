using LoraOps.Adapters;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>Shows the base's weights to deltas as PyTorch lays them out.</summary>
internal sealed class Targets(SourceModel model, IReadOnlyDictionary<string, TensorChange> changes)
{
    // Workers prepare tensors beside each other; the shapes are the same for all tensors of an adapter.
    private readonly Lazy<ILookup<WeightedAdapter, TensorShape>> _adapted = new(() => changes.Values
        .SelectMany(change => change.Additions
            .Where(addition => addition.Module.Delta.Parameter == "weight")
            .Select(addition => addition.Source)
            .Distinct()
            .Select(source => (Source: source, change.Layout)))
        .ToLookup(pair => pair.Source, pair => pair.Layout));

    /// <summary>The base as it was named, for messages.</summary>
    public string BasePath => model.Weights.Path;

    /// <summary>The weight that a delta is prepared for.</summary>
    public TargetWeight Of(TensorChange change, Addition addition) => Of(change.Start, change.IsTransposed) with
    {
        Type = change.Type,
        Sibling = parameter => Sibling(addition.Module.Name, parameter),
        AdaptedShapes = [.. _adapted.Value[addition.Source]],
    };

    private TargetWeight? Sibling(ModuleName module, string parameter) => model.Find(module, parameter) is { } tensor
        ? Of(tensor, changes.GetValueOrDefault(tensor.Name)?.IsTransposed == true)
        : null;

    private static TargetWeight Of(Tensor tensor, bool isTransposed) => isTransposed
        ? new TargetWeight(new TensorShape(tensor.Shape[1], tensor.Shape[0]), tensor.Type, (first, values) => ReadTransposed(tensor, first, values))
        : new TargetWeight(tensor.Shape, tensor.Type, tensor.ReadFloats);

    // Row c of PyTorch's layout is column c of the file: a piece of each stored row is read and its elements are spread.
    private static void ReadTransposed(Tensor tensor, long first, Span<float> values)
    {
        var (rows, columns) = (tensor.Shape[0], tensor.Shape[1]);
        var from = first / rows;
        var piece = new float[((first + values.Length - 1) / rows) - from + 1];
        for (var row = 0L; row < rows; row++)
        {
            tensor.ReadFloats((row * columns) + from, piece);
            for (var column = 0; column < piece.Length; column++)
            {
                var index = ((from + column) * rows) + row - first;
                if (index >= 0 && index < values.Length)
                    values[(int)index] = piece[column];
            }
        }
    }
}
