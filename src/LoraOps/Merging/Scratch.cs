namespace LoraOps.Merging;

/// <summary>One worker's memory, kept from block to block.</summary>
internal sealed class Scratch
{
    private readonly float[][] _floats = [[], [], []];
    private byte[] _bytes = [];

    /// <summary>The bytes of a block; their values are left over from the last one.</summary>
    public Span<byte> Bytes(int length) => Sized(ref _bytes, length);

    /// <summary>One of three buffers of elements; their values are left over from the last block.</summary>
    /// <param name="slot">0, 1 or 2.</param>
    /// <param name="length">The elements.</param>
    public Span<float> Floats(int slot, int length) => Sized(ref _floats[slot], length);

    private static Span<T> Sized<T>(ref T[] buffer, int length)
    {
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<T>(length);

        return buffer.AsSpan(0, length);
    }
}
