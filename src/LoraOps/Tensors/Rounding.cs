namespace LoraOps.Tensors;

/// <summary>Values as they come out of a narrower type.</summary>
internal static class Rounding
{
    private const int BlockLength = 1 << 12;

    /// <summary>Rounds each value to the nearest of the type, ties to even; a type that is no narrower than float32 changes nothing.</summary>
    public static void Through(ElementType type, Span<float> values)
    {
        if (type is not (ElementType.F16 or ElementType.BF16))
            return;

        Span<byte> bytes = stackalloc byte[BlockLength * sizeof(ushort)];
        while (values.Length > 0)
        {
            var block = values[..Math.Min(BlockLength, values.Length)];
            var stored = bytes[..(block.Length * sizeof(ushort))];
            ElementCodec.Encode(type, block, stored);
            ElementCodec.Decode(type, stored, block);
            values = values[block.Length..];
        }
    }
}
