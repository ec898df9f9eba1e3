using LoraOps.Adapters;
using LoraOps.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Merging;

/// <summary>Tells each delta what else belongs to its module and its adapter, once every change's orientation is known.</summary>
internal sealed class Surroundings(SourceModel model, IReadOnlyDictionary<string, TensorChange> changes)
{
    /// <summary>Completes the additions of all changes.</summary>
    public void Attach()
    {
        var shapes = changes.Values
            .SelectMany(change => change.Additions.Select(addition => (addition.Source, addition.Module.Delta.Parameter, Shape: ShapeOf(change))))
            .Where(adapted => adapted.Parameter == "weight")
            .ToLookup(adapted => adapted.Source, adapted => adapted.Shape);
        foreach (var change in changes.Values)
        {
            for (var index = 0; index < change.Additions.Count; index++)
            {
                var addition = change.Additions[index];
                change.Additions[index] = addition with
                {
                    AdaptedShapes = [.. shapes[addition.Source]],
                    Sibling = parameter => Find(addition.Module.Name, parameter),
                };
            }
        }
    }

    private static TensorShape ShapeOf(TensorChange change) =>
        change.IsTransposed ? new TensorShape(change.Shape[1], change.Shape[0]) : change.Shape;

    private TargetWeight? Find(ModuleName module, string parameter)
    {
        if (model.Find(module, parameter) is not { } tensor)
            return null;

        // The module's own change knows the orientation; without one the weight is not adapted and stays as it is stored.
        var isTransposed = changes.TryGetValue(tensor.Name, out var change) && change.IsTransposed;
        if (!isTransposed)
            return new TargetWeight(tensor.Shape, tensor.Type, tensor.ReadFloats);

        var (rows, columns) = ((int)tensor.Shape[0], (int)tensor.Shape[1]);
        var values = new Lazy<float[]>(() =>
        {
            var turned = new float[(long)rows * columns];
            Transposition.Transpose(tensor.ToFloats(), rows, columns, turned);
            return turned;
        });
        return new TargetWeight(
            new TensorShape(columns, rows), tensor.Type, (first, part) => values.Value.AsSpan(checked((int)first), part.Length).CopyTo(part));
    }
}
