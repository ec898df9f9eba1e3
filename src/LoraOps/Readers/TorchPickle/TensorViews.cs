using LoraOps.Problems;
using LoraOps.Tensors;

namespace LoraOps.Readers.TorchPickle;

/// <summary>Checks views against their storages and makes tensors of them.</summary>
/// <param name="path">The file.</param>
/// <param name="find">The place of a storage by its key, or null.</param>
internal sealed class TensorViews(string path, Func<string, ArchiveRange?> find)
{
    private const int MostDimensions = 64;
    private readonly Dictionary<string, ArchiveRange?> _found = new(StringComparer.Ordinal);

    /// <summary>The tensor of a view.</summary>
    /// <exception cref="LoraOpsException">The view leaves its storage, or the storage has not the size that it claims.</exception>
    public Tensor Make(string name, PickledTensor view)
    {
        var (size, range) = (view.Type.Bits() / 8, Range(name, view.Storage));
        if (view.Sizes.Length != view.Strides.Length || view.Sizes.Length > MostDimensions)
            throw Invalid(name, $"has {view.Sizes.Length} dimensions and {view.Strides.Length} strides; at most {MostDimensions} of each are allowed");

        if (view.Offset < 0 || view.Sizes.AsSpan().IndexOfAnyInRange(long.MinValue, -1) >= 0 ||
            view.Strides.AsSpan().IndexOfAnyInRange(long.MinValue, -1) >= 0 || !TensorShape.TryCount(view.Sizes, out var count))
            throw Invalid(name, "has a negative or impossible offset, size or stride");

        var shape = new TensorShape(view.Sizes);
        var last = (Int128)view.Offset;
        for (var dimension = 0; dimension < shape.Rank; dimension++)
            last += (Int128)Math.Max(0, shape[dimension] - 1) * view.Strides[dimension];

        // A view that repeats elements may claim any size at no cost: more than are stored is none of a trained weight.
        if (count > 0 && (last >= range.Length / size || count > range.Length / size))
            throw Invalid(name, $"of shape {shape} reaches past its storage of {range.Length / size} elements");

        if (count == 0 || IsRowMajor(shape, view.Strides))
            return new FileTensor(name, view.Type, shape, path, range.Start + (count == 0 ? 0 : view.Offset * size));

        var length = (long)last - view.Offset + 1;
        if (length * size > Array.MaxLength || count * size > Array.MaxLength)
            throw Invalid(name, "is stored in another order than row by row and too large to sort");

        return new StridedTensor(
            name, view.Type, shape, view.Strides, new FileTensor(name, view.Type, new TensorShape(length), path, range.Start + (view.Offset * size)));
    }

    private ArchiveRange Range(string name, PickledStorage storage)
    {
        if (!_found.TryGetValue(storage.Key, out var range))
            _found[storage.Key] = range = find(storage.Key);

        var size = (storage.Type?.Bits() ?? 8) / 8;
        if (range is not { } found)
            throw Invalid(name, $"needs storage '{TorchProblems.Shown(storage.Key)}', which the file does not have");

        return storage.Count >= 0 && storage.Count == found.Length / size && found.Length % size == 0
            ? found
            : throw Invalid(name, $"has a storage of {storage.Count} elements of {size} bytes, but {found.Length} bytes are there");
    }

    private static bool IsRowMajor(TensorShape shape, long[] strides)
    {
        var step = 1L;
        for (var dimension = shape.Rank - 1; dimension >= 0; dimension--)
        {
            if (shape[dimension] > 1 && strides[dimension] != step)
                return false;

            step *= shape[dimension];
        }

        return true;
    }

    private LoraOpsException Invalid(string name, string reason) =>
        new(TorchProblems.TensorInvalid(path, TorchProblems.Shown(name), reason));
}
