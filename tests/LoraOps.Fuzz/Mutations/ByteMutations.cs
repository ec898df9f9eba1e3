using System.Buffers.Binary;

namespace LoraOps.Fuzz.Mutations;

/// <summary>Changes that know nothing of a format.</summary>
public static class ByteMutations
{
    /// <summary>A changed copy.</summary>
    public static byte[] Mutate(byte[] bytes, byte[] other, Random random)
    {
        if (bytes.Length == 0)
            return other;

        var at = random.Next(bytes.Length);
        var length = random.Next(1, Math.Min(bytes.Length - at, 64) + 1);
        return random.Next(10) switch
        {
            0 => bytes[..at],
            1 => [.. bytes, .. other.Take(random.Next(1, 64))],
            2 => [.. bytes[..at], .. bytes[(at + length)..]],
            3 => [.. bytes[..at], .. bytes.AsSpan(at, length), .. bytes[at..]],
            4 => [.. bytes[..at], .. other.AsSpan(Math.Min(at, other.Length))],
            5 => [.. bytes[..at], .. other.Take(length), .. bytes[at..]],
            6 => Filled(bytes, at, length, random),
            7 or 8 => WithNumber(bytes, at, random),
            _ => WithBits(bytes, random),
        };
    }

    /// <summary>A number that stands at a border of some type, or near one that was there.</summary>
    public static ulong Interesting(ulong was, Random random) => random.Next(12) switch
    {
        0 => 0,
        1 => 1,
        2 => ulong.MaxValue,
        3 => int.MaxValue,
        4 => 1UL << 31,
        5 => uint.MaxValue,
        6 => long.MaxValue,
        7 => 1UL << 63,
        8 => was + 1,
        9 => was - 1,
        10 => was * 2,
        _ => 1UL << random.Next(64),
    };

    private static byte[] WithBits(byte[] bytes, Random random)
    {
        var copy = bytes.ToArray();
        for (var left = random.Next(1, 9); left > 0; left--)
            copy[random.Next(copy.Length)] ^= (byte)(1 << random.Next(8));

        return copy;
    }

    private static byte[] Filled(byte[] bytes, int at, int length, Random random)
    {
        var copy = bytes.ToArray();
        copy.AsSpan(at, length).Fill(new byte[] { 0, 0xFF, 0x7F, 0x80, 0x20 }[random.Next(5)]);
        return copy;
    }

    private static byte[] WithNumber(byte[] bytes, int at, Random random)
    {
        var copy = new byte[Math.Max(bytes.Length, at + sizeof(ulong))];
        bytes.CopyTo(copy, 0);
        var span = copy.AsSpan(at);
        var value = Interesting((ulong)bytes.Length, random);
        switch (random.Next(3))
        {
            case 0:
                BinaryPrimitives.WriteUInt16LittleEndian(span, unchecked((ushort)value));
                break;
            case 1:
                BinaryPrimitives.WriteUInt32LittleEndian(span, unchecked((uint)value));
                break;
            default:
                BinaryPrimitives.WriteUInt64LittleEndian(span, value);
                break;
        }

        return copy[..bytes.Length];
    }
}
