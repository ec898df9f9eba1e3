namespace LoraOps.Tensors;

/// <summary>
/// PyTorch's generator on the CPU: the Mersenne Twister MT19937 (Matsumoto and Nishimura, 1998) and what <c>uniform_</c> of float32
/// and <c>randperm</c> make of its numbers. Methods that do not save their constants draw them from it.
/// </summary>
public sealed class TorchGenerator
{
    /// <summary>From this length on, PyTorch shuffles in a way that depends on its version.</summary>
    public const long PermutationLimit = uint.MaxValue / 20;

    private const int Length = 624;
    private const int Shift = 397;
    private readonly uint[] _state = new uint[Length];
    private int _next = Length;

    /// <summary>As <c>torch.Generator().manual_seed(seed)</c>, which uses the lower 32 bits.</summary>
    public TorchGenerator(long seed)
    {
        _state[0] = unchecked((uint)seed);
        for (var index = 1u; index < Length; index++)
            _state[index] = (1812433253u * (_state[index - 1] ^ (_state[index - 1] >> 30))) + index;
    }

    /// <summary>The next 32 bits.</summary>
    public uint Next()
    {
        if (_next == Length)
            Twist();

        var bits = _state[_next++];
        bits ^= bits >> 11;
        bits ^= (bits << 7) & 0x9D2C5680u;
        bits ^= (bits << 15) & 0xEFC60000u;
        return bits ^ (bits >> 18);
    }

    /// <summary>Fills with numbers of the half-open interval, each from 24 bits.</summary>
    public void Fill(Span<float> values, float low, float high)
    {
        for (var index = 0; index < values.Length; index++)
            values[index] = ((Next() & 0xFFFFFFu) * (1f / (1 << 24)) * (high - low)) + low;
    }

    /// <summary>The beginning of <c>randperm(count)</c>: the later entries do not change it, so they are not drawn.</summary>
    /// <param name="count">The length of the whole permutation, less than <see cref="PermutationLimit"/>.</param>
    /// <param name="length">How many entries.</param>
    public long[] Permutation(long count, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(count, PermutationLimit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, count);
        var moved = new Dictionary<long, long>();
        var entries = new long[length];
        for (long index = 0; index < length; index++)
        {
            // The last entry is what remains: PyTorch draws nothing for it.
            var other = index + (index < count - 1 ? Next() % (count - index) : 0);
            entries[index] = moved.GetValueOrDefault(other, other);
            moved[other] = moved.GetValueOrDefault(index, index);
        }

        return entries;
    }

    private void Twist()
    {
        for (var index = 0; index < Length; index++)
        {
            var bits = (_state[index] & 0x80000000u) | (_state[(index + 1) % Length] & 0x7FFFFFFFu);
            _state[index] = _state[(index + Shift) % Length] ^ (bits >> 1) ^ ((bits & 1) * 0x9908B0DFu);
        }

        _next = 0;
    }
}
