using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace LoraOps.Tensors;

/// <summary>Turns stored elements into float32 and back.</summary>
public static class ElementCodec
{
    /// <summary>Decodes little-endian elements of one type.</summary>
    /// <exception cref="NotSupportedException">The type is not numeric.</exception>
    public static void Decode(ElementType type, ReadOnlySpan<byte> bytes, Span<float> values)
    {
        switch (type)
        {
            case ElementType.F32: MemoryMarshal.Cast<byte, float>(bytes).CopyTo(values); break;
            case ElementType.F64: TensorPrimitives.ConvertSaturating(MemoryMarshal.Cast<byte, double>(bytes), values); break;
            case ElementType.F16: TensorPrimitives.ConvertToSingle(MemoryMarshal.Cast<byte, Half>(bytes), values); break;
            case ElementType.BF16: BFloat16.Decode(MemoryMarshal.Cast<byte, ushort>(bytes), values); break;
            case ElementType.I64: Convert<long>(bytes, values); break;
            case ElementType.U64: Convert<ulong>(bytes, values); break;
            case ElementType.I32: Convert<int>(bytes, values); break;
            case ElementType.U32: Convert<uint>(bytes, values); break;
            case ElementType.I16: Convert<short>(bytes, values); break;
            case ElementType.U16: Convert<ushort>(bytes, values); break;
            case ElementType.I8: Convert<sbyte>(bytes, values); break;
            case ElementType.U8 or ElementType.Bool: Convert<byte>(bytes, values); break;
            default: Float8.Decode(type, bytes, values); break;
        }
    }

    /// <summary>Encodes float32 values, each rounded once (nearest, ties to even); out of range gives infinity where the type has one.</summary>
    /// <exception cref="NotSupportedException">The type is not F64, F32, F16 or BF16.</exception>
    public static void Encode(ElementType type, ReadOnlySpan<float> values, Span<byte> bytes)
    {
        switch (type)
        {
            case ElementType.F32: values.CopyTo(MemoryMarshal.Cast<byte, float>(bytes)); break;
            case ElementType.F64: TensorPrimitives.ConvertChecked(values, MemoryMarshal.Cast<byte, double>(bytes)); break;
            case ElementType.F16: TensorPrimitives.ConvertToHalf(values, MemoryMarshal.Cast<byte, Half>(bytes)); break;
            case ElementType.BF16: BFloat16.Encode(values, MemoryMarshal.Cast<byte, ushort>(bytes)); break;
            default: throw new NotSupportedException($"Weights are not written as {type.Name()}.");
        }
    }

    private static void Convert<T>(ReadOnlySpan<byte> bytes, Span<float> values)
        where T : unmanaged, System.Numerics.INumberBase<T> =>
        TensorPrimitives.ConvertSaturating(MemoryMarshal.Cast<byte, T>(bytes), values);
}
