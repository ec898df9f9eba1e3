using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>Sixteen lanes (AVX-512).</summary>
internal readonly struct Lanes512 : ILanes<Vector512<float>>
{
    public static int Width => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Load(ref float source, nuint offset) => Vector512.LoadUnsafe(ref source, offset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Create(float value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAdd(Vector512<float> x, Vector512<float> y, Vector512<float> sum) =>
        Vector512.FusedMultiplyAdd(x, y, sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Add<TElement>(ref TElement stored, Vector512<float> low, Vector512<float> high)
        where TElement : unmanaged
    {
        if (typeof(TElement) == typeof(float))
        {
            ref var floats = ref Unsafe.As<TElement, float>(ref stored);
            low += Vector512.LoadUnsafe(ref floats);
            high += Vector512.LoadUnsafe(ref floats, 16);
            low.StoreUnsafe(ref floats);
            high.StoreUnsafe(ref floats, 16);
            return !Vector512.EqualsAny(Vector512.Max(Exponent(low.AsUInt32()), Exponent(high.AsUInt32())), Vector512.Create(0x7F800000u));
        }

        ref var codes = ref Unsafe.As<TElement, ushort>(ref stored);
        var (first, second) = Vector512.Widen(Vector512.LoadUnsafe(ref codes));
        var rounded = Vector512.Narrow(
            Rounded(low + (first << 16).AsSingle()), Rounded(high + (second << 16).AsSingle()));
        rounded.StoreUnsafe(ref codes);
        var exponent = Vector512.Create((ushort)0x7F80);
        return !Vector512.EqualsAny(rounded & exponent, exponent);
    }

    private static Vector512<uint> Exponent(Vector512<uint> bits) => bits & Vector512.Create(0x7F800000u);

    // A NaN may come out as another one: it ends the merge anyway.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Rounded(Vector512<float> values)
    {
        var bits = values.AsUInt32();
        return (bits + Vector512.Create(0x7FFFu) + ((bits >> 16) & Vector512<uint>.One)) >> 16;
    }
}
