using System.Buffers.Binary;

namespace LoraOps.Testing;

/// <summary>Seeded damage to a file of words: what a broken copy, or somebody who wishes harm, makes of it.</summary>
public static class AdapterMutation
{
    private static readonly int[] Words = [0, 1, 2, 3, 4, 8, -1, -4, int.MaxValue, int.MinValue, 1 << 16, 1 << 30, 0x7ffffffc];

    /// <summary>A damaged copy.</summary>
    public static byte[] Of(byte[] good, Random random)
    {
        ArgumentNullException.ThrowIfNull(good);
        ArgumentNullException.ThrowIfNull(random);
        var bytes = (byte[])good.Clone();
        for (var i = random.Next(1, 4); i > 0; i--)
            bytes = Once(bytes, random);

        return bytes;
    }

    private static byte[] Once(byte[] bytes, Random random)
    {
        if (bytes.Length < 8)
            return bytes;

        var at = random.Next(bytes.Length);
        var word = random.Next((bytes.Length / 4) - 1) * 4;
        switch (random.Next(6))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[at] = (byte)random.Next(256);
                return bytes;
            case 2:
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(word), Words[random.Next(Words.Length)]);
                return bytes;
            case 3:
                var value = BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(word));
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(word), unchecked(value + random.Next(-16, 17)));
                return bytes;
            case 4:
                var other = random.Next((bytes.Length / 4) - 1) * 4;
                bytes.AsSpan(other, 4).CopyTo(bytes.AsSpan(word));
                return bytes;
            default:
                return [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(8))..]];
        }
    }
}
