using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>AWQ (gemm), 4 bits: word [i, k] holds the codes of outputs 8k + (0, 2, 4, 6, 1, 3, 5, 7) of input i, the first in the lowest bits.</summary>
/// <param name="name">The weight's name.</param>
/// <param name="type">The type of the dequantised weight.</param>
/// <param name="parts">The stored tensors.</param>
internal sealed class AwqTensor(string name, ElementType type, GroupedParts parts)
    : GroupedTensor(name, type, parts.Codes.Shape[0], parts)
{
    /// <inheritdoc/>
    protected override int NibbleOf(long output) => (int)(((output & 1) << 2) | ((output & 7) >> 1));

    /// <inheritdoc/>
    protected override int ZeroOf(int stored) => stored;

    /// <inheritdoc/>
    protected override void Fill(Band band, ReadOnlySpan<int> groups, Span<float> values, long start)
    {
        var firstWord = band.Row / GroupedParts.PerWord;
        var words = new uint[((band.Row + band.Rows - 1) / GroupedParts.PerWord) - firstWord + 1];
        for (var input = band.From; input < band.To; input++)
        {
            ReadWords(Parts.Codes, (input * Parts.Codes.Shape[1]) + firstWord, words);
            var group = groups[(int)(input - band.From)] * band.Rows;
            for (var row = 0; row < band.Rows; row++)
            {
                var index = start + (row * Shape[1]) + input;
                if (index < 0 || index >= values.Length)
                    continue;

                var output = band.Row + row;
                var code = (words[(output / GroupedParts.PerWord) - firstWord] >> (4 * NibbleOf(output))) & 15;
                values[(int)index] = band.Scales[group + row] * (code - band.Zeros[group + row]);
            }
        }
    }
}
