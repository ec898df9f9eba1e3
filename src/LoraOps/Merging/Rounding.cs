using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>Rounds float32 values through a stored type, as a framework does that keeps them in it.</summary>
internal static class Rounding
{
    private const int BlockLength = 1 << 12;

    /// <summary>Replaces each value by what the type keeps of it.</summary>
    public static void Apply(ElementType type, Span<float> values)
    {
        if (type is ElementType.F32 or ElementType.F64)
            return;

        Span<byte> bytes = stackalloc byte[BlockLength * sizeof(ushort)];
        while (values.Length > 0)
        {
            var block = values[..Math.Min(BlockLength, values.Length)];
            var stored = bytes[..(block.Length * type.Bits() / 8)];
            ElementCodec.Encode(type, block, stored);
            ElementCodec.Decode(type, stored, block);
            values = values[block.Length..];
        }
    }
}
