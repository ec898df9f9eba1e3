using LoraOps.Tensors;

namespace LoraOps.Runtime.Sessions;

/// <summary>What comes first on every axis of one sample's output: the rest answers what the sample was filled up with.</summary>
internal static class OutputCorner
{
    /// <summary>Cuts it out, [1, …].</summary>
    /// <param name="block">The outputs of several samples.</param>
    /// <param name="sample">Which one.</param>
    /// <param name="size">The dimensions of the result but for the first: as many as the block's, none larger.</param>
    public static OutputBlock Of(OutputBlock block, int sample, ReadOnlySpan<long> size)
    {
        var values = new float[checked((int)new TensorShape(size).ElementCount)];
        var length = size.Length == 0 ? 1 : (int)size[^1];
        var from = new long[size.Length];
        for (var to = 0; to < values.Length; to += length)
        {
            var at = (long)sample;
            for (var axis = 0; axis < size.Length; axis++)
                at = (at * block.Shape[axis + 1]) + from[axis];

            block.Values.AsSpan((int)at, length).CopyTo(values.AsSpan(to));
            Advance(from, size);
        }

        return new OutputBlock(new TensorShape([1, .. size]), values);
    }

    /// <summary>True if it can be cut out.</summary>
    public static bool Holds(OutputBlock block, ReadOnlySpan<long> size)
    {
        var fits = block.Shape.Rank == size.Length + 1;
        for (var axis = 0; fits && axis < size.Length; axis++)
            fits = size[axis] <= block.Shape[axis + 1];

        return fits;
    }

    // The next row: the innermost axis is copied whole.
    private static void Advance(long[] place, ReadOnlySpan<long> size)
    {
        for (var axis = place.Length - 2; axis >= 0 && ++place[axis] == size[axis]; axis--)
            place[axis] = 0;
    }
}
