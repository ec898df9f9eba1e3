using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>GPTQ, 4 bits: word [k, o] holds the codes of inputs 8k … 8k+7 of output o, the first in the lowest bits.</summary>
/// <param name="name">The weight's name.</param>
/// <param name="type">The type of the dequantised weight.</param>
/// <param name="parts">The stored tensors.</param>
/// <param name="zeroOffset">What a stored zero lacks: 1 in the format <c>gptq</c>, 0 in <c>gptq_v2</c>.</param>
internal sealed class GptqTensor(string name, ElementType type, GroupedParts parts, int zeroOffset)
    : GroupedTensor(name, type, parts.Codes.Shape[0] * GroupedParts.PerWord, parts)
{
    /// <inheritdoc/>
    protected override int NibbleOf(long output) => (int)(output % GroupedParts.PerWord);

    /// <inheritdoc/>
    /// <remarks>A zero of 0 is stored as 15 in the older format.</remarks>
    protected override int ZeroOf(int stored) => (stored + zeroOffset) & 15;

    /// <inheritdoc/>
    protected override void Fill(Band band, ReadOnlySpan<int> groups, Span<float> values, long start)
    {
        var words = new uint[band.Rows];
        for (var word = band.From / GroupedParts.PerWord; word * GroupedParts.PerWord < band.To; word++)
        {
            ReadWords(Parts.Codes, (word * Parts.Outputs) + band.Row, words);
            var from = Math.Max(band.From, word * GroupedParts.PerWord);
            var to = Math.Min(band.To, (word + 1) * GroupedParts.PerWord);
            for (var row = 0; row < words.Length; row++)
            {
                for (var input = from; input < to; input++)
                {
                    var index = start + (row * Shape[1]) + input;
                    if (index < 0 || index >= values.Length)
                        continue;

                    var scale = (groups[(int)(input - band.From)] * band.Rows) + row;
                    var code = (words[row] >> (4 * (int)(input % GroupedParts.PerWord))) & 15;
                    values[(int)index] = band.Scales[scale] * (code - band.Zeros[scale]);
                }
            }
        }
    }
}
