using System.Buffers.Binary;
using System.Text;

namespace LoraOps.Fuzz.Mutations;

/// <summary>Changes to a .npy file: the literal in its header, with a length that fits.</summary>
public static class NpyMutations
{
    private const int Start = 10;

    /// <summary>A changed copy.</summary>
    public static byte[] Mutate(byte[] bytes, byte[] other, Random random)
    {
        if (bytes.Length < Start || bytes[6] != 1 || BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(8)) is var length && Start + length > bytes.Length)
            return ByteMutations.Mutate(bytes, other, random);

        var text = Encoding.Latin1.GetBytes(TextMutations.Mutate(Encoding.Latin1.GetString(bytes, Start, length), random));
        return [.. bytes[..8], .. BitConverter.GetBytes(unchecked((ushort)text.Length)), .. text, .. bytes[(Start + length)..]];
    }
}
