using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Elects a sign for each element and adds the values that have it (TIES, arXiv:2306.01708). Each element is worked out for
/// itself with single roundings in the order of the owners, so vectors of any width give the same bits.
/// </summary>
/// <param name="Weighted">Values vote times their weights; else as they are.</param>
/// <param name="Frequency">Signs vote; else values.</param>
/// <param name="ByCount">The sum is divided by the number that agree, at least 1.</param>
/// <param name="ByWeights">The sum is divided by the weights of those that agree, by 1 if they are 0 together; excludes the former.</param>
public sealed record SignElection(bool Weighted, bool Frequency, bool ByCount, bool ByWeights)
{
    private const int Lanes = 8;

    /// <summary>The elected sums times a factor.</summary>
    /// <param name="values">[owners, elements]</param>
    /// <param name="weights">[owners]</param>
    /// <param name="factor">λ</param>
    /// <param name="mixed">[elements], receives the result.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Mix(ReadOnlySpan<double> values, ReadOnlySpan<double> weights, double factor, Span<double> mixed)
    {
        if (values.Length != (long)weights.Length * mixed.Length)
            throw new ArgumentException("The values are not those of so many owners.", nameof(values));

        var at = 0;
        for (; at + Lanes <= mixed.Length; at += Lanes)
            (Elect(values[at..], weights, mixed.Length) * factor).CopyTo(mixed[at..]);

        if (at == mixed.Length)
            return;

        // The rest is worked out in lanes of its own.
        var edge = new double[weights.Length * Lanes];
        for (var owner = 0; owner < weights.Length; owner++)
            values.Slice((owner * mixed.Length) + at, mixed.Length - at).CopyTo(edge.AsSpan(owner * Lanes));

        var last = Elect(edge, weights, Lanes) * factor;
        for (var lane = 0; at < mixed.Length; at++, lane++)
            mixed[at] = last[lane];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<double> Elect(ReadOnlySpan<double> values, ReadOnlySpan<double> weights, int stride)
    {
        ref var x = ref MemoryMarshal.GetReference(values);
        var votes = Vector512<double>.Zero;
        for (var owner = 0; owner < weights.Length; owner++)
        {
            var vote = Vector512.LoadUnsafe(ref x, (nuint)(owner * stride));
            vote = Weighted ? vote * weights[owner] : vote;
            votes += Frequency ? Sign(vote) : vote;
        }

        var plus = Vector512.GreaterThanOrEqual(votes, Vector512<double>.Zero);
        var (sum, divisor) = (Vector512<double>.Zero, Vector512<double>.Zero);
        for (var owner = 0; owner < weights.Length; owner++)
        {
            var value = Vector512.LoadUnsafe(ref x, (nuint)(owner * stride));
            var product = value * weights[owner];
            var vote = Weighted ? product : value;
            var agrees = Vector512.ConditionalSelect(plus, Vector512.GreaterThan(vote, Vector512<double>.Zero), Vector512.LessThan(vote, Vector512<double>.Zero));
            sum += product & agrees;
            divisor += Vector512.Create(ByWeights ? weights[owner] : 1) & agrees;
        }

        return ByCount ? sum / Vector512.Max(divisor, Vector512<double>.One)
            : ByWeights ? sum / Vector512.ConditionalSelect(Vector512.Equals(divisor, Vector512<double>.Zero), Vector512<double>.One, divisor)
            : sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Sign(Vector512<double> value) =>
        (Vector512.GreaterThan(value, Vector512<double>.Zero) & Vector512<double>.One)
        - (Vector512.LessThan(value, Vector512<double>.Zero) & Vector512<double>.One);
}
