using System.Buffers;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>
/// bitsandbytes' NF4 or FP4: two codes a byte, the first in the high nibble, in row-major order of the weight; a code's value in
/// the table is multiplied with the scale of its block of flat elements, which run across rows.
/// </summary>
/// <param name="name">The weight's name.</param>
/// <param name="type">The recorded type.</param>
/// <param name="shape">The recorded shape.</param>
/// <param name="codes">The packed codes, of any storage type: only their bytes count.</param>
/// <param name="scales">The table and the scales.</param>
internal sealed class FourBitTensor(string name, ElementType type, TensorShape shape, Tensor codes, FourBitScales scales)
    : DequantisedTensor(name, type, shape)
{
    /// <inheritdoc/>
    protected override void Dequantise(long first, Span<float> values)
    {
        var firstByte = first / 2;
        var length = (int)(((first + values.Length + 1) / 2) - firstByte);
        var firstBlock = first / scales.BlockSize;
        var blocks = (int)(((first + values.Length - 1) / scales.BlockSize) - firstBlock) + 1;
        var bytes = ArrayPool<byte>.Shared.Rent(length);
        var absmax = ArrayPool<float>.Shared.Rent(blocks);
        try
        {
            codes.ReadBytes(firstByte, bytes.AsSpan(0, length));
            scales.Read(firstBlock, absmax.AsSpan(0, blocks));
            Decode(first, bytes, absmax, values);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
            ArrayPool<float>.Shared.Return(absmax);
        }
    }

    private void Decode(long first, ReadOnlySpan<byte> bytes, ReadOnlySpan<float> absmax, Span<float> values)
    {
        // A code and a scale give the same product wherever they meet: 16 products a block.
        Span<float> products = stackalloc float[FourBitScales.TableLength];
        var half = (int)(first & 1);
        var at = (int)(first % scales.BlockSize);
        for (var (index, block) = (0, 0); index < values.Length; block++, at = 0)
        {
            for (var code = 0; code < products.Length; code++)
                products[code] = scales.Table[code] * absmax[block];

            for (var end = Math.Min(values.Length, index + scales.BlockSize - at); index < end; index++)
            {
                var pair = bytes[(index + half) >> 1];
                values[index] = products[((index + half) & 1) == 0 ? pair >> 4 : pair & 15];
            }
        }
    }
}
