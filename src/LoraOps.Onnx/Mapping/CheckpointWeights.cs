using LoraOps.Adapters;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>What the base checkpoint says of a module, under any of its names, packed with others or split.</summary>
public sealed class CheckpointWeights(Checkpoint checkpoint)
{
    private readonly Checkpoint _checkpoint = checkpoint;

    /// <summary>The names of all tensors.</summary>
    public IEnumerable<string> Names => _checkpoint.Names;

    /// <summary>The base's own value of a parameter, or null if it has none under any of the module's names.</summary>
    public Tensor? Find(IReadOnlyList<ModuleName> aliases, string parameter)
    {
        foreach (var alias in aliases)
        {
            if (_checkpoint.Find(alias.Parameter(parameter)) is { } tensor)
                return tensor;
        }

        // Task heads wrap the bare model: 'h.0.attn' in the file may be 'transformer.h.0.attn' in the adapter.
        var suffixed = _checkpoint.Names
            .Select(name => (Name: name, Agreement: aliases.Max(alias => ModulePath.Agreement(alias.Parameter(parameter), name))))
            .Where(pair => pair.Agreement > 0)
            .GroupBy(pair => pair.Agreement).MaxBy(group => group.Key)?.ToList();
        return suffixed is [var only] ? _checkpoint.Find(only.Name) : null;
    }

    /// <summary>A tensor by its own name, or null.</summary>
    public Tensor? Find(string name) => _checkpoint.Find(name);

    /// <summary>
    /// A module's weight in PyTorch's layout, in each orientation that its shape allows (a square Conv1D may be either); none if
    /// the base does not name it.
    /// </summary>
    public IEnumerable<float[]> Values(WantedWeight wanted)
    {
        if ((Find(wanted.Aliases, "weight") ?? Find(wanted.Aliases, "in_proj_weight")) is { } own)
            return Oriented(own, wanted.Shape);

        var packed = wanted.Aliases.SelectMany(PackedModules.Around)
            .Select(part => (part, Tensor: Find([part.Packed], "weight")))
            .FirstOrDefault(found => found.Tensor is not null);
        return packed.Tensor is not null ? Rows(wanted, packed.part, packed.Tensor) : Joined(wanted);
    }

    /// <summary>The numeric tensors that could be a weight of this shape.</summary>
    public IEnumerable<Tensor> Like(TensorShape shape) => _checkpoint.Names
        .Select(_checkpoint.Find).OfType<Tensor>()
        .Where(tensor => tensor.Type.IsNumeric() && (tensor.Shape.Equals(shape) || IsFlipped(tensor.Shape, shape)));

    /// <summary>A tensor's values as a weight of this shape, in each orientation that fits.</summary>
    public static IEnumerable<float[]> Oriented(Tensor tensor, TensorShape shape)
    {
        if (!tensor.Type.IsNumeric())
            yield break;

        if (tensor.Shape.Equals(shape))
            yield return tensor.ToFloats();

        if (IsFlipped(tensor.Shape, shape))
            yield return StoredWeight.Transpose(tensor.ToFloats(), (int)tensor.Shape[0], (int)tensor.Shape[1]);
    }

    private static bool IsFlipped(TensorShape stored, TensorShape shape) =>
        stored.Rank == 2 && shape.Rank == 2 && stored[0] == shape[1] && stored[1] == shape[0];

    private static IEnumerable<float[]> Rows(WantedWeight wanted, PackedPart part, Tensor tensor)
    {
        if (tensor.Shape.Rank != 2 || wanted.Shape.Rank != 2)
            return [];

        var columns = wanted.Shape[1];
        return new[] { tensor.Shape[0], tensor.Shape[1] }.Distinct()
            .SelectMany(total => part.FirstRow(wanted.Rows, total) is { } first
                ? Oriented(tensor, new TensorShape(total, columns))
                    .Select(values => values.AsSpan((int)(first * columns), (int)(wanted.Rows * columns)).ToArray())
                : []);
    }

    private IEnumerable<float[]> Joined(WantedWeight wanted)
    {
        foreach (var names in wanted.Aliases.SelectMany(PackedModules.Inside))
        {
            var parts = names.Select(name => Find([name], "weight")).OfType<Tensor>().ToList();
            if (parts.Count == names.Count && parts.Sum(part => part.Shape.ElementCount) == wanted.Shape.ElementCount
                && parts.All(part => part.Shape.Rank == 2 && part.Shape[1] == wanted.Shape[-1] && part.Type.IsNumeric()))
            {
                yield return [.. parts.SelectMany(part => part.ToFloats())];
            }
        }
    }
}
