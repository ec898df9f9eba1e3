using System.Numerics;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>One number for each row of a weight, so that weights, packed ones and parts of them can be looked up without keeping them.</summary>
internal static class RowHashes
{
    private const ulong Multiplier = 0x9E3779B97F4A7C15;

    /// <summary>The hashes of rows as they are stored in a type: rounded to the nearest, ties to even; −0 is 0.</summary>
    public static ulong[] Of(ReadOnlySpan<float> values, int columns, ElementType type)
    {
        var rounded = values.ToArray();
        if (type is ElementType.F16 or ElementType.BF16)
        {
            var bytes = new byte[checked(values.Length * (type.Bits() / 8))];
            ElementCodec.Encode(type, values, bytes);
            ElementCodec.Decode(type, bytes, rounded);
        }

        var hashes = new ulong[columns == 0 ? 0 : values.Length / columns];
        for (var row = 0; row < hashes.Length; row++)
        {
            var hash = Multiplier;
            foreach (var value in rounded.AsSpan(row * columns, columns))
                hash = (BitOperations.RotateLeft(hash, 23) ^ BitConverter.SingleToUInt32Bits(value + 0f)) * Multiplier;

            hashes[row] = hash;
        }

        return hashes;
    }

    /// <summary>Every place where the shorter sequence lies in the longer one.</summary>
    public static IEnumerable<int> Places(ulong[] longer, ulong[] shorter)
    {
        for (var at = 0; at + shorter.Length <= longer.Length; at++)
        {
            var next = longer.AsSpan(at, longer.Length - shorter.Length - at + 1).IndexOf(shorter[0]);
            if (next < 0)
                yield break;

            at += next;
            if (longer.AsSpan(at, shorter.Length).SequenceEqual(shorter))
                yield return at;
        }
    }
}
