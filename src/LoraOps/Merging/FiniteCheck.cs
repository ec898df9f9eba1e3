using System.Numerics;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using LoraOps.Tensors;

namespace LoraOps.Merging;

/// <summary>Looks for infinities and NaN as stored: what is finite as float32 may overflow fp16.</summary>
internal static class FiniteCheck
{
    /// <summary>True if no element has all bits of its exponent set.</summary>
    public static bool AllFinite(ElementType type, ReadOnlySpan<byte> bytes) => type switch
    {
        ElementType.BF16 => HasNone<ushort>(bytes, 0x7F80),
        ElementType.F16 => HasNone<ushort>(bytes, 0x7C00),
        ElementType.F32 => HasNone<uint>(bytes, 0x7F80_0000),
        ElementType.F64 => HasNone<ulong>(bytes, 0x7FF0_0000_0000_0000),
        _ => throw new NotSupportedException($"{type.Name()} weights are not merged."),
    };

    private static bool HasNone<T>(ReadOnlySpan<byte> bytes, T exponent)
        where T : unmanaged, IBinaryInteger<T>
    {
        var codes = MemoryMarshal.Cast<byte, T>(bytes);
        var (i, wanted) = (0, new Vector<T>(exponent));
        for (; i <= codes.Length - Vector<T>.Count; i += Vector<T>.Count)
        {
            if (Vector.EqualsAny(new Vector<T>(codes[i..]) & wanted, wanted))
                return false;
        }

        for (; i < codes.Length; i++)
        {
            if ((codes[i] & exponent) == exponent)
                return false;
        }

        return true;
    }
}
