using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Inner products of float32 in float64. A product of two float32 is exact there and the lanes of the sum are fixed, so the
/// result is the same bits with and without vector instructions.
/// </summary>
public static class DotProduct
{
    private const int Lanes = 16;

    /// <summary>The sum of the products; both have the same length.</summary>
    /// <exception cref="ArgumentException">They have not.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Of(ReadOnlySpan<float> left, ReadOnlySpan<float> right)
    {
        if (left.Length != right.Length)
            throw new ArgumentException("The vectors have different lengths.", nameof(right));

        var (lower, upper) = (Vector512<double>.Zero, Vector512<double>.Zero);
        var at = 0;
        for (; at + Lanes <= left.Length; at += Lanes)
        {
            var (leftLower, leftUpper) = Vector512.Widen(Vector512.Create(left.Slice(at, Lanes)));
            var (rightLower, rightUpper) = Vector512.Widen(Vector512.Create(right.Slice(at, Lanes)));
            lower += leftLower * rightLower;
            upper += leftUpper * rightUpper;
        }

        var lanes = lower + upper;
        var sum = 0.0;
        for (var lane = 0; lane < Vector512<double>.Count; lane++)
            sum += lanes[lane];

        for (; at < left.Length; at++)
            sum += (double)left[at] * right[at];

        return sum;
    }

    /// <summary>The sum of the products in float64; both have the same length.</summary>
    /// <exception cref="ArgumentException">They have not.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Of(ReadOnlySpan<double> left, ReadOnlySpan<double> right)
    {
        if (left.Length != right.Length)
            throw new ArgumentException("The vectors have different lengths.", nameof(right));

        var (lower, upper) = (Vector512<double>.Zero, Vector512<double>.Zero);
        var at = 0;
        for (; at + Lanes <= left.Length; at += Lanes)
        {
            lower += Vector512.Create(left.Slice(at, Lanes / 2)) * Vector512.Create(right.Slice(at, Lanes / 2));
            upper += Vector512.Create(left.Slice(at + (Lanes / 2), Lanes / 2)) * Vector512.Create(right.Slice(at + (Lanes / 2), Lanes / 2));
        }

        var lanes = lower + upper;
        var sum = 0.0;
        for (var lane = 0; lane < Vector512<double>.Count; lane++)
            sum += lanes[lane];

        for (; at < left.Length; at++)
            sum += left[at] * right[at];

        return sum;
    }
}
