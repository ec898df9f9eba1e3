using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>
/// Where the magnitude order of a matrix is cut: |x| descending, equal magnitudes by ascending flat index. An element comes
/// before the cut if its magnitude is above the key, or equal and its flat index below the limit.
/// </summary>
/// <param name="Key">The bits of the magnitude at the cut (<see cref="Magnitudes.Key"/>).</param>
/// <param name="Limit">The flat index from which elements of just that magnitude come after the cut.</param>
public readonly record struct MagnitudeCut(long Key, long Limit)
{
    /// <summary>Makes the elements zero that come after the cut.</summary>
    /// <param name="values">Elements that lie one after the other.</param>
    /// <param name="index">The flat index of the first.</param>
    public void KeepBefore(Span<double> values, long index)
    {
        var equals = Equals(values.Length, index);
        Magnitudes.KeepAbove(values[..equals], Key - 1);
        Magnitudes.KeepAbove(values[equals..], Key);
    }

    /// <summary>Makes the elements zero that come before the cut.</summary>
    /// <inheritdoc cref="KeepBefore"/>
    public void DropBefore(Span<double> values, long index)
    {
        var equals = Equals(values.Length, index);
        Magnitudes.DropAbove(values[..equals], Key - 1);
        Magnitudes.DropAbove(values[equals..], Key);
    }

    private int Equals(int length, long index) => (int)Math.Clamp(Limit - index, 0, length);
}
