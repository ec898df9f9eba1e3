using System.Collections.Concurrent;

namespace LoraOps.Mixing;

/// <summary>
/// Arrays of whole matrices that are used again by matrices of the same size: those of the modules of a model have few sizes, and
/// fresh ones would wait in memory by the dozen until they are collected. For several threads.
/// </summary>
internal sealed class FloatRoom
{
    private readonly ConcurrentDictionary<int, ConcurrentBag<float[]>> _free = new();

    /// <summary>An array that holds anything.</summary>
    public float[] Take(int length) =>
        _free.GetOrAdd(length, _ => []).TryTake(out var used) ? used : GC.AllocateUninitializedArray<float>(length);

    /// <summary>Takes an array back that nobody looks at any more.</summary>
    public void Give(float[] values) => _free.GetOrAdd(values.Length, _ => []).Add(values);
}
