using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// SplitMix64 as a counter: 64 mixed bits for each index of a key. Whole numbers wrap alike in vectors of any width, and 53
/// bits are a float64 exactly.
/// </summary>
public static class CounterNoise
{
    /// <summary>How far the counter's steps lie apart.</summary>
    public const ulong Step = 0x9E3779B97F4A7C15;

    private const int Lanes = 8;
    private const int Precision = 53;
    private const ulong First = 0xBF58476D1CE4E5B9;
    private const ulong Second = 0x94D049BB133111EB;

    /// <summary>The mixing function.</summary>
    public static ulong Mix(ulong value)
    {
        unchecked
        {
            value = (value ^ (value >> 30)) * First;
            value = (value ^ (value >> 27)) * Second;
            return value ^ (value >> 31);
        }
    }

    /// <summary>The bits of an index.</summary>
    public static ulong Bits(ulong key, long index) => unchecked(Mix(key + (((ulong)index + 1) * Step)));

    /// <summary>Bits as a number from 0 to below 1.</summary>
    public static double Uniform(ulong bits) => (bits >> (64 - Precision)) * (1.0 / (1L << Precision));

    /// <summary>The numbers of indices that follow each other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fill(ulong key, long first, Span<double> numbers)
    {
        var counter = Counter(key, first);
        var at = 0;
        for (; at + Lanes <= numbers.Length; at += Lanes, counter += Vector512.Create(unchecked(Lanes * Step)))
        {
            var whole = (Mix(counter) >> (64 - Precision)).AsInt64();
            (Vector512.ConvertToDouble(whole) * (1.0 / (1L << Precision))).CopyTo(numbers[at..]);
        }

        for (; at < numbers.Length; at++)
            numbers[at] = Uniform(Bits(key, first + at));
    }

    /// <summary>Makes the values zero whose number is not below a probability.</summary>
    /// <param name="key">The key.</param>
    /// <param name="first">The index of the first value.</param>
    /// <param name="probability">The share that is kept.</param>
    /// <param name="values">Changed in place.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Drop(ulong key, long first, double probability, Span<double> values)
    {
        // u < p as whole numbers, exactly: both sides times 2^53, and p rounded up to the next multiple of 2^-53.
        var limit = (long)Math.Ceiling(Math.Clamp(probability, 0, 1) * (1L << Precision));
        var bits = MemoryMarshal.Cast<double, long>(values);
        var counter = Counter(key, first);
        var at = 0;
        for (; at + Lanes <= bits.Length; at += Lanes, counter += Vector512.Create(unchecked(Lanes * Step)))
        {
            var kept = Vector512.LessThan((Mix(counter) >> (64 - Precision)).AsInt64(), Vector512.Create(limit));
            (Vector512.LoadUnsafe(ref bits[at]) & kept).StoreUnsafe(ref bits[at]);
        }

        for (; at < bits.Length; at++)
            bits[at] = (long)(Bits(key, first + at) >> (64 - Precision)) < limit ? bits[at] : 0;
    }

    /// <summary>Makes the values zero whose number is not below their own probability.</summary>
    /// <param name="values">Changed in place.</param>
    /// <param name="numbers">Their numbers.</param>
    /// <param name="probabilities">Their probabilities.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Keep(Span<double> values, ReadOnlySpan<double> numbers, ReadOnlySpan<double> probabilities)
    {
        var at = 0;
        for (; at + Lanes <= values.Length; at += Lanes)
        {
            var kept = Vector512.LessThan(Vector512.Create(numbers.Slice(at, Lanes)), Vector512.Create(probabilities.Slice(at, Lanes)));
            (Vector512.LoadUnsafe(ref values[at]) & kept).StoreUnsafe(ref values[at]);
        }

        for (; at < values.Length; at++)
            values[at] = numbers[at] < probabilities[at] ? values[at] : 0;
    }

    private static Vector512<ulong> Counter(ulong key, long first) => unchecked(
        Vector512.Create(key + (((ulong)first + 1) * Step)) + (Vector512.Create(0UL, 1, 2, 3, 4, 5, 6, 7) * Vector512.Create(Step)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<ulong> Mix(Vector512<ulong> value)
    {
        value = (value ^ (value >> 30)) * Vector512.Create(First);
        value = (value ^ (value >> 27)) * Vector512.Create(Second);
        return value ^ (value >> 31);
    }
}
