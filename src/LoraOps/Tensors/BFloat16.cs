using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors;

/// <summary>bfloat16: the upper half of a binary32. The vector path and the scalar one give the same bits.</summary>
internal static class BFloat16
{
    private const uint HalfStep = 0x7FFF;

    // A NaN must stay one: rounding its mantissa up could carry into the sign.
    private const uint Quiet = 0x0040;

    /// <summary>Widens codes; exact.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Decode(ReadOnlySpan<ushort> source, Span<float> values)
    {
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            ref var from = ref MemoryMarshal.GetReference(source);
            ref var to = ref MemoryMarshal.GetReference(values[..source.Length]);
            for (; i <= source.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
            {
                var (low, high) = Vector256.Widen(Vector256.LoadUnsafe(ref from, (nuint)i));
                (low << 16).AsSingle().StoreUnsafe(ref to, (nuint)i);
                (high << 16).AsSingle().StoreUnsafe(ref to, (nuint)(i + Vector256<float>.Count));
            }
        }

        for (; i < source.Length; i++)
            values[i] = BitConverter.UInt32BitsToSingle((uint)source[i] << 16);
    }

    /// <summary>Rounds to the nearest code, ties to the even one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Encode(ReadOnlySpan<float> values, Span<ushort> destination)
    {
        var i = 0;
        if (Vector256.IsHardwareAccelerated)
        {
            ref var from = ref MemoryMarshal.GetReference(values);
            ref var to = ref MemoryMarshal.GetReference(destination[..values.Length]);
            for (; i <= values.Length - Vector256<ushort>.Count; i += Vector256<ushort>.Count)
            {
                var low = Rounded(Vector256.LoadUnsafe(ref from, (nuint)i));
                var high = Rounded(Vector256.LoadUnsafe(ref from, (nuint)(i + Vector256<float>.Count)));
                Vector256.Narrow(low, high).StoreUnsafe(ref to, (nuint)i);
            }
        }

        for (; i < values.Length; i++)
            destination[i] = Rounded(values[i]);
    }

    private static ushort Rounded(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)(float.IsNaN(value) ? (bits >> 16) | Quiet : (bits + HalfStep + ((bits >> 16) & 1)) >> 16);
    }

    private static Vector256<uint> Rounded(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        var upper = bits >> 16;
        var rounded = (bits + Vector256.Create(HalfStep) + (upper & Vector256<uint>.One)) >> 16;
        return Vector256.ConditionalSelect(Vector256.Equals(values, values).AsUInt32(), rounded, upper | Vector256.Create(Quiet));
    }
}
