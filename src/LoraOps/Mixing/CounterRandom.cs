using System.Text;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Mixing;

/// <summary>
/// Random numbers that depend only on a seed, a name, a position and a counter (SplitMix64 as a counter): any part of the row
/// can be worked out by itself, and is the same on any machine.
/// </summary>
/// <param name="Key">What is added to the counter's steps.</param>
public readonly record struct CounterRandom(ulong Key)
{
    private const ulong HashStart = 0xCBF29CE484222325;
    private const ulong HashFactor = 0x100000001B3;

    /// <summary>The numbers of a tensor of an adapter.</summary>
    /// <param name="seed">The seed of the mix.</param>
    /// <param name="name">The module; whatever else is drawn for has a name of its own.</param>
    /// <param name="position">The adapter's position in the mix, absent ones counted.</param>
    public CounterRandom(ulong seed, string name, int position)
        : this(KeyOf(seed, name, position))
    {
    }

    /// <summary>FNV-1a of a text in UTF-8.</summary>
    public static ulong Hash(string text)
    {
        var hash = HashStart;
        foreach (var value in Encoding.UTF8.GetBytes(text))
            hash = unchecked((hash ^ value) * HashFactor);

        return hash;
    }

    /// <summary>The number of a flat index, from 0 to below 1.</summary>
    public double At(long index) => CounterNoise.Uniform(CounterNoise.Bits(Key, index));

    /// <summary>The numbers of flat indices that follow each other.</summary>
    public void Fill(long first, Span<double> numbers) => CounterNoise.Fill(Key, first, numbers);

    /// <summary>Makes the values zero whose number is not below a probability, 0 … 1.</summary>
    /// <param name="values">Elements that lie one after the other.</param>
    /// <param name="first">The flat index of the first.</param>
    /// <param name="probability">The share that is kept.</param>
    public void Drop(Span<double> values, long first, double probability) => CounterNoise.Drop(Key, first, probability, values);

    private static ulong KeyOf(ulong seed, string name, int position) => unchecked(CounterNoise.Mix(
        CounterNoise.Mix(CounterNoise.Mix(seed + CounterNoise.Step) ^ Hash(name)) + (((ulong)position + 1) * CounterNoise.Step)));
}
