using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Elects a sign for each element and adds the values that have it (TIES, arXiv:2306.01708). Each element is worked out for
/// itself with single roundings in the order of the owners, so vectors of any width give the same bits.
/// </summary>
public sealed class SignElection
{
    private const int Lanes = 8;

    private readonly double[] _weights;
    private readonly double[] _voices;
    private readonly double[] _divisors;
    private readonly bool _frequency;

    /// <summary>An election among owners.</summary>
    /// <param name="weights">What each owner's values are multiplied by before they are added.</param>
    /// <param name="voices">What they are multiplied by before they vote.</param>
    /// <param name="divisors">What each value that agrees adds to the divisor of the sum; a divisor of 0 counts as 1.</param>
    /// <param name="frequency">True if signs vote; else values.</param>
    public SignElection(double[] weights, double[] voices, double[] divisors, bool frequency)
    {
        if (voices.Length != weights.Length || divisors.Length != weights.Length)
            throw new ArgumentException("The owners have not one of each.", nameof(weights));

        (_weights, _voices, _divisors, _frequency) = (weights, voices, divisors, frequency);
    }

    /// <summary>The elected sums times a factor.</summary>
    /// <param name="values">[owners, elements]</param>
    /// <param name="factor">λ</param>
    /// <param name="mixed">[elements], receives the result.</param>
    /// <exception cref="ArgumentException">The values are not those of so many owners.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Mix(ReadOnlySpan<double> values, double factor, Span<double> mixed)
    {
        if (values.Length != (long)_weights.Length * mixed.Length)
            throw new ArgumentException("The values are not those of so many owners.", nameof(values));

        var at = 0;
        for (; at + Lanes <= mixed.Length; at += Lanes)
            (Elect(in values[at], mixed.Length) * factor).CopyTo(mixed[at..]);

        if (at == mixed.Length)
            return;

        // The rest is worked out in lanes of its own.
        var edge = new double[_weights.Length * Lanes];
        for (var owner = 0; owner < _weights.Length; owner++)
            values.Slice((owner * mixed.Length) + at, mixed.Length - at).CopyTo(edge.AsSpan(owner * Lanes));

        var last = Elect(in edge[0], Lanes) * factor;
        for (var lane = 0; at < mixed.Length; at++, lane++)
            mixed[at] = last[lane];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Vector512<double> Elect(ref readonly double values, int stride)
    {
        ref var weight = ref MemoryMarshal.GetArrayDataReference(_weights);
        ref var voice = ref MemoryMarshal.GetArrayDataReference(_voices);
        ref var share = ref MemoryMarshal.GetArrayDataReference(_divisors);
        var votes = Vector512<double>.Zero;
        for (var owner = 0; owner < _weights.Length; owner++)
        {
            var vote = Vector512.LoadUnsafe(in values, (nuint)(owner * stride)) * Unsafe.Add(ref voice, owner);
            votes += _frequency ? Sign(vote) : vote;
        }

        // Where − is elected the votes are turned, so that those that agree are above 0.
        var turn = Vector512.LessThan(votes, Vector512<double>.Zero) & Vector512.Create(-0.0);
        var (sum, divisor) = (Vector512<double>.Zero, Vector512<double>.Zero);
        for (var owner = 0; owner < _weights.Length; owner++)
        {
            var value = Vector512.LoadUnsafe(in values, (nuint)(owner * stride));
            var agrees = Vector512.GreaterThan((value * Unsafe.Add(ref voice, owner)) ^ turn, Vector512<double>.Zero);
            sum += Vector512.ConditionalSelect(agrees, value * Unsafe.Add(ref weight, owner), Vector512<double>.Zero);
            divisor += Vector512.ConditionalSelect(agrees, Vector512.Create(Unsafe.Add(ref share, owner)), Vector512<double>.Zero);
        }

        return sum / Vector512.ConditionalSelect(Vector512.Equals(divisor, Vector512<double>.Zero), Vector512<double>.One, divisor);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Sign(Vector512<double> value) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(value, Vector512<double>.Zero), Vector512<double>.One, Vector512<double>.Zero)
        - Vector512.ConditionalSelect(Vector512.LessThan(value, Vector512<double>.Zero), Vector512<double>.One, Vector512<double>.Zero);
}
