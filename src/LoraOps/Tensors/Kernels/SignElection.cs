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

    private readonly double[] _voices;
    private readonly double[] _gains;
    private readonly double[] _divisors;
    private readonly bool _frequency;

    /// <summary>An election among owners.</summary>
    /// <param name="voices">What each owner's values are multiplied by before they vote.</param>
    /// <param name="gains">What those that agree are multiplied by further before they are added.</param>
    /// <param name="divisors">What each of them adds to the divisor of the sum; a divisor of 0 counts as 1.</param>
    /// <param name="frequency">True if signs vote; else values.</param>
    public SignElection(double[] voices, double[] gains, double[] divisors, bool frequency)
    {
        if (gains.Length != voices.Length || divisors.Length != voices.Length)
            throw new ArgumentException("The owners have not one of each.", nameof(voices));

        (_voices, _gains, _divisors, _frequency) = (voices, gains, divisors, frequency);
    }

    /// <summary>The elected sums times a factor.</summary>
    /// <param name="values">[owners, elements]</param>
    /// <param name="factor">λ</param>
    /// <param name="mixed">[elements], receives the result.</param>
    /// <exception cref="ArgumentException">The values are not those of so many owners.</exception>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Mix(ReadOnlySpan<double> values, double factor, Span<double> mixed)
    {
        if (values.Length != (long)_voices.Length * mixed.Length)
            throw new ArgumentException("The values are not those of so many owners.", nameof(values));

        const int Step = 2 * Lanes;
        var at = 0;
        for (; at + Step <= mixed.Length; at += Step)
        {
            var (first, second) = Elect(in values[at], mixed.Length);
            (first * factor).CopyTo(mixed[at..]);
            (second * factor).CopyTo(mixed[(at + Lanes)..]);
        }

        if (at == mixed.Length)
            return;

        // The rest is worked out in lanes of its own.
        var edge = new double[_voices.Length * Step];
        for (var owner = 0; owner < _voices.Length; owner++)
            values.Slice((owner * mixed.Length) + at, mixed.Length - at).CopyTo(edge.AsSpan(owner * Step));

        Span<double> rest = stackalloc double[Step];
        var (lower, upper) = Elect(in edge[0], Step);
        (lower * factor).CopyTo(rest);
        (upper * factor).CopyTo(rest[Lanes..]);
        rest[..(mixed.Length - at)].CopyTo(mixed[at..]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private (Vector512<double> First, Vector512<double> Second) Elect(ref readonly double values, nint stride)
    {
        ref var voices = ref MemoryMarshal.GetArrayDataReference(_voices);
        ref var gains = ref MemoryMarshal.GetArrayDataReference(_gains);
        ref var divisors = ref MemoryMarshal.GetArrayDataReference(_divisors);
        var (votes, others) = (Vector512<double>.Zero, Vector512<double>.Zero);
        for (var owner = 0; owner < _voices.Length; owner++)
        {
            var voice = Vector512.Create(Unsafe.Add(ref voices, owner));
            var vote = Vector512.LoadUnsafe(in values, (nuint)(owner * stride)) * voice;
            var other = Vector512.LoadUnsafe(in values, (nuint)((owner * stride) + Lanes)) * voice;
            votes += _frequency ? Sign(vote) : vote;
            others += _frequency ? Sign(other) : other;
        }

        // Where − is elected everything is turned, so that what agrees is above 0; in the end it is turned back.
        var turn = Vector512.LessThan(votes, Vector512<double>.Zero) & Vector512.Create(-0.0);
        var turnOthers = Vector512.LessThan(others, Vector512<double>.Zero) & Vector512.Create(-0.0);
        var (sum, divisor, sums, shares) = (Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero, Vector512<double>.Zero);
        for (var owner = 0; owner < _voices.Length; owner++)
        {
            var (voice, gain) = (Vector512.Create(Unsafe.Add(ref voices, owner)), Vector512.Create(Unsafe.Add(ref gains, owner)));
            var share = Vector512.Create(Unsafe.Add(ref divisors, owner));
            var vote = (Vector512.LoadUnsafe(in values, (nuint)(owner * stride)) * voice) ^ turn;
            var other = (Vector512.LoadUnsafe(in values, (nuint)((owner * stride) + Lanes)) * voice) ^ turnOthers;
            sum += Vector512.MaxNative(vote, Vector512<double>.Zero) * gain;
            sums += Vector512.MaxNative(other, Vector512<double>.Zero) * gain;
            divisor = Vector512.ConditionalSelect(Vector512.GreaterThan(vote, Vector512<double>.Zero), divisor + share, divisor);
            shares = Vector512.ConditionalSelect(Vector512.GreaterThan(other, Vector512<double>.Zero), shares + share, shares);
        }

        return ((sum ^ turn) / OneIfZero(divisor), (sums ^ turnOthers) / OneIfZero(shares));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> OneIfZero(Vector512<double> divisor) =>
        Vector512.ConditionalSelect(Vector512.Equals(divisor, Vector512<double>.Zero), Vector512<double>.One, divisor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<double> Sign(Vector512<double> value) =>
        Vector512.ConditionalSelect(Vector512.GreaterThan(value, Vector512<double>.Zero), Vector512<double>.One, Vector512<double>.Zero)
        - Vector512.ConditionalSelect(Vector512.LessThan(value, Vector512<double>.Zero), Vector512<double>.One, Vector512<double>.Zero);
}
