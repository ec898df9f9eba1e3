using System.Buffers;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>The code table of a 4-bit weight and the scales of its blocks, which may be quantised themselves.</summary>
/// <param name="Table">The values of the 16 codes.</param>
/// <param name="BlockSize">Elements that share a scale.</param>
/// <param name="Absmax">One scale for each block: float32, or codes of <paramref name="Nested"/>.</param>
/// <param name="Nested">How the scales are quantised; null if they are not.</param>
internal sealed record FourBitScales(float[] Table, int BlockSize, Tensor Absmax, NestedScales? Nested)
{
    /// <summary>The codes of 4 bits.</summary>
    public const int TableLength = 16;

    /// <summary>Reads the scales of consecutive blocks.</summary>
    public void Read(long first, Span<float> scales)
    {
        if (Nested is null)
            Absmax.ReadFloats(first, scales);
        else
            Nested.Read(Absmax, first, scales);
    }
}

/// <summary>Scales as 8-bit codes: scale = table[code] · absmax of its group + offset, rounded after each operation.</summary>
/// <param name="Table">The values of the 256 codes.</param>
/// <param name="BlockSize">Scales that share a second-level scale.</param>
/// <param name="Absmax">The second-level scales.</param>
/// <param name="Offset">What was subtracted before the scales were quantised: their mean.</param>
internal sealed record NestedScales(float[] Table, int BlockSize, Tensor Absmax, float Offset)
{
    /// <summary>The codes of 8 bits.</summary>
    public const int TableLength = 256;

    /// <summary>Decodes the scales of consecutive blocks.</summary>
    public void Read(Tensor codes, long first, Span<float> scales)
    {
        var firstGroup = first / BlockSize;
        var absmax = new float[((first + scales.Length - 1) / BlockSize) - firstGroup + 1];
        Absmax.ReadFloats(firstGroup, absmax);
        var bytes = ArrayPool<byte>.Shared.Rent(scales.Length);
        codes.ReadBytes(first, bytes.AsSpan(0, scales.Length));
        for (var index = 0; index < scales.Length; index++)
        {
            // Two statements: no compiler may join them to one rounding.
            var product = Table[bytes[index]] * absmax[((first + index) / BlockSize) - firstGroup];
            scales[index] = product + Offset;
        }

        ArrayPool<byte>.Shared.Return(bytes);
    }
}
