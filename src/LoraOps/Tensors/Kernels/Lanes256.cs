using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>Eight lanes (AVX2; two NEON vectors).</summary>
internal readonly struct Lanes256 : ILanes<Vector256<float>>
{
    public static int Width => 8;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(ref float source, nuint offset) => Vector256.LoadUnsafe(ref source, offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Create(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAdd(Vector256<float> x, Vector256<float> y, Vector256<float> sum) =>
        Vector256.FusedMultiplyAdd(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Add<TElement>(ref TElement stored, Vector256<float> low, Vector256<float> high)
        where TElement : unmanaged
    {
        if (typeof(TElement) == typeof(float))
        {
            ref var floats = ref Unsafe.As<TElement, float>(ref stored);
            low += Vector256.LoadUnsafe(ref floats);
            high += Vector256.LoadUnsafe(ref floats, 8);
            low.StoreUnsafe(ref floats);
            high.StoreUnsafe(ref floats, 8);
            return !Vector256.EqualsAny(Vector256.Max(Exponent(low.AsUInt32()), Exponent(high.AsUInt32())), Vector256.Create(0x7F800000u));
        }

        ref var codes = ref Unsafe.As<TElement, ushort>(ref stored);
        var (first, second) = Vector256.Widen(Vector256.LoadUnsafe(ref codes));
        var rounded = Vector256.Narrow(
            Rounded(low + (first << 16).AsSingle()), Rounded(high + (second << 16).AsSingle()));
        rounded.StoreUnsafe(ref codes);
        var exponent = Vector256.Create((ushort)0x7F80);
        return !Vector256.EqualsAny(rounded & exponent, exponent);
    }

    private static Vector256<uint> Exponent(Vector256<uint> bits) => bits & Vector256.Create(0x7F800000u);

    // A NaN may come out as another one: it ends the merge anyway.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Rounded(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        return (bits + Vector256.Create(0x7FFFu) + ((bits >> 16) & Vector256<uint>.One)) >> 16;
    }
}
