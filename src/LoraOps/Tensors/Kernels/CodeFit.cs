using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// How well integer codes stand for real numbers: with codes <c>d = clip(round(w · inverse), low, high)</c> the scale of the least squared
/// error is <c>Σ w·d / Σ d·d</c>, and that error is <c>Σ w·w − (Σ w·d)² / Σ d·d</c>. Eight lanes in a fixed order, so that the same numbers
/// come out with and without vector instructions.
/// </summary>
public static class CodeFit
{
    /// <summary>The lanes of a sum: a row of numbers is filled up with zeros to a multiple of them.</summary>
    public const int Lanes = 8;

    /// <summary>Rounds (halves to even) and sums.</summary>
    /// <param name="values">The numbers, a multiple of <see cref="Lanes"/>; a zero adds nothing.</param>
    /// <param name="inverse">Codes per unit, of either sign; finite.</param>
    /// <param name="low">The lowest code.</param>
    /// <param name="high">The highest code.</param>
    /// <returns>Σ w·d and Σ d·d.</returns>
    /// <exception cref="ArgumentException">The values do not fill the lanes.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (float Mixed, float Squares) Products(ReadOnlySpan<float> values, float inverse, float low, float high)
    {
        if (values.Length % Lanes != 0)
            throw new ArgumentException($"{values.Length} values do not fill lanes of {Lanes}.", nameof(values));

        var (mixed, squares) = (Vector256<float>.Zero, Vector256<float>.Zero);
        var (factor, lowest, highest) = (Vector256.Create(inverse), Vector256.Create(low), Vector256.Create(high));
        for (var at = 0; at < values.Length; at += Lanes)
        {
            var value = Vector256.Create(values.Slice(at, Lanes));
            var code = Vector256.Min(Vector256.Max(Vector256.Round(value * factor), lowest), highest);
            mixed += value * code;
            squares += code * code;
        }

        return (Sum(mixed), Sum(squares));
    }

    /// <summary>Σ w·w.</summary>
    /// <inheritdoc cref="Products" path="/param[@name='values']"/>
    public static float Squares(ReadOnlySpan<float> values)
    {
        var squares = Vector256<float>.Zero;
        for (var at = 0; at < values.Length; at += Lanes)
        {
            var value = Vector256.Create(values.Slice(at, Lanes));
            squares += value * value;
        }

        return Sum(squares);
    }

    private static float Sum(Vector256<float> lanes)
    {
        var sum = 0f;
        for (var lane = 0; lane < Lanes; lane++)
            sum += lanes[lane];

        return sum;
    }
}
