using System.Numerics;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Runtime.Calibrating;

/// <summary>The extremes of some numbers.</summary>
/// <param name="Min">The smallest; never −0. Means nothing if there is a NaN.</param>
/// <param name="Max">The largest; never −0. Means nothing if there is a NaN.</param>
/// <param name="HasNaN">One is no number.</param>
/// <param name="Zeros">How many are zero, of either sign.</param>
internal readonly record struct ValueExtent(float Min, float Max, bool HasNaN, int Zeros)
{
    /// <summary>One of them is infinite.</summary>
    public bool HasInfinity => !HasNaN && (float.IsInfinity(Min) || float.IsInfinity(Max));

    /// <summary>The largest magnitude.</summary>
    public float Magnitude => Math.Max(Math.Abs(Min), Math.Abs(Max));

    /// <summary>Looks at numbers; none give the extremes +∞ and −∞.</summary>
    public static ValueExtent Of(ReadOnlySpan<float> values)
    {
        var (least, most) = (Vector256.Create(float.PositiveInfinity), Vector256.Create(float.NegativeInfinity));
        var odd = Vector256<float>.Zero;
        var (at, zeros) = (0, 0);
        ref var first = ref MemoryMarshal.GetReference(values);
        for (; at <= values.Length - Vector256<float>.Count; at += Vector256<float>.Count)
        {
            // The native minimum says nothing sure about NaN and signed zeros: the one is looked for, the other made +0 below.
            var part = Vector256.LoadUnsafe(ref first, (nuint)at);
            least = Vector256.MinNative(least, part);
            most = Vector256.MaxNative(most, part);
            odd |= ~Vector256.Equals(part, part);
            zeros += BitOperations.PopCount(Vector256.Equals(part, Vector256<float>.Zero).ExtractMostSignificantBits());
        }

        var (min, max, hasNaN) = (float.PositiveInfinity, float.NegativeInfinity, odd.ExtractMostSignificantBits() != 0);
        for (var lane = 0; lane < Vector256<float>.Count; lane++)
            (min, max) = (Math.Min(min, least[lane]), Math.Max(max, most[lane]));

        foreach (var value in values[at..])
        {
            (min, max) = (Math.Min(min, value), Math.Max(max, value));
            hasNaN |= float.IsNaN(value);
            zeros += value == 0 ? 1 : 0;
        }

        return new ValueExtent(min + 0f, max + 0f, hasNaN, zeros);
    }
}
