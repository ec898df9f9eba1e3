namespace LoraOps.Onnx.Quantizing.WeightOnly;

/// <summary>Codes of 4 bits, two a byte, the earlier one in the lower half; codes of 8 bits as they are.</summary>
public static class CodePacking
{
    /// <summary>The bytes that so many codes take.</summary>
    public static int Bytes(int count, int bits) => bits == 8 ? count : (count + 1) / 2;

    /// <summary>Packs codes; the unused half of a last byte is zero.</summary>
    /// <param name="codes">One byte each, below 2^bits.</param>
    /// <param name="bits">4 or 8.</param>
    /// <param name="packed">Receives them; exactly long enough.</param>
    public static void Pack(ReadOnlySpan<byte> codes, int bits, Span<byte> packed)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(packed.Length, Bytes(codes.Length, bits));
        if (bits == 8)
        {
            codes.CopyTo(packed);
            return;
        }

        for (var i = 0; i < packed.Length; i++)
            packed[i] = (byte)((codes[2 * i] & 15) | ((2 * i) + 1 < codes.Length ? (codes[(2 * i) + 1] & 15) << 4 : 0));
    }
}
