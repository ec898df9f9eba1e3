using System.Buffers.Binary;
using LoraOps.Tensors;

namespace LoraOps.Deltas;

/// <summary>Whole numbers from tensors, exact also where float32 would round them.</summary>
internal static class IndexValues
{
    /// <summary>All elements, or null if one of a float tensor is no whole number.</summary>
    public static long[]? Read(Tensor tensor)
    {
        if (!tensor.Type.IsFloat())
        {
            var bytes = tensor.ToBytes();
            var size = tensor.Type.Bits() / 8;
            return [.. Enumerable.Range(0, bytes.Length / size).Select(index => Decode(tensor.Type, bytes.AsSpan(index * size, size)))];
        }

        var values = tensor.ToFloats();
        return Array.TrueForAll(values, value => Math.Abs(value) < 1L << 62 && MathF.Truncate(value) == value)
            ? Array.ConvertAll(values, value => (long)value)
            : null;
    }

    private static long Decode(ElementType type, ReadOnlySpan<byte> bytes) => type switch
    {
        ElementType.I64 => BinaryPrimitives.ReadInt64LittleEndian(bytes),
        ElementType.U64 => (long)Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(bytes), long.MaxValue),
        ElementType.I32 => BinaryPrimitives.ReadInt32LittleEndian(bytes),
        ElementType.U32 => BinaryPrimitives.ReadUInt32LittleEndian(bytes),
        ElementType.I16 => BinaryPrimitives.ReadInt16LittleEndian(bytes),
        ElementType.U16 => BinaryPrimitives.ReadUInt16LittleEndian(bytes),
        ElementType.I8 => (sbyte)bytes[0],
        _ => bytes[0],
    };
}
