using System.Runtime.InteropServices;
using LoraOps.Tensors;

namespace LoraOps.Readers.Quantised;

/// <summary>The tensors of a linear layer in GPTQ's or AWQ's layout; they lie [in, out], eight 4-bit codes a word.</summary>
/// <param name="Codes">qweight: int32.</param>
/// <param name="Zeros">qzeros: int32 [groups, out / 8].</param>
/// <param name="Scales">scales: float [groups, out].</param>
/// <param name="GroupOf">g_idx: int32 [in]; null where groups are runs of equal length.</param>
internal sealed record GroupedParts(Tensor Codes, Tensor Zeros, Tensor Scales, Tensor? GroupOf)
{
    /// <summary>Codes in a word.</summary>
    public const int PerWord = 8;

    /// <summary>How many groups of inputs there are.</summary>
    public int Groups => checked((int)Scales.Shape[0]);

    /// <summary>The outputs of the layer.</summary>
    public long Outputs => Scales.Shape[1];
}

/// <summary>A linear weight [out, in] whose inputs are quantised in groups: value = scale · (code − zero), of its group and output.</summary>
/// <param name="name">The weight's name.</param>
/// <param name="type">The type of the dequantised weight.</param>
/// <param name="inputs">The inputs of the layer.</param>
/// <param name="parts">The stored tensors.</param>
internal abstract class GroupedTensor(string name, ElementType type, long inputs, GroupedParts parts)
    : DequantisedTensor(name, type, new TensorShape(parts.Outputs, inputs))
{
    /// <summary>The stored tensors.</summary>
    protected GroupedParts Parts => parts;

    /// <inheritdoc/>
    protected sealed override void Dequantise(long first, Span<float> values)
    {
        var (row, end) = (first / inputs, first + values.Length);
        var rows = (int)(((end - 1) / inputs) - row + 1);
        var from = rows == 1 ? first % inputs : 0;
        var band = new Band(row, rows, from, rows == 1 ? from + values.Length : inputs)
        {
            Scales = new float[parts.Groups * rows],
            Zeros = new float[parts.Groups * rows],
        };
        for (var group = 0; group < parts.Groups; group++)
        {
            parts.Scales.ReadFloats((group * parts.Outputs) + row, band.Scales.AsSpan(group * rows, rows));
            ReadZeros(group, band);
        }

        Fill(band, GroupsOf(band), values, (row * inputs) - first);
    }

    /// <summary>Computes the values of a band of rows.</summary>
    /// <param name="band">Which ones, with their scales and zeros.</param>
    /// <param name="groups">The group of each input of the band.</param>
    /// <param name="values">Receives them; it may begin inside the first row and end inside the last.</param>
    /// <param name="start">Where in <paramref name="values"/> the band's first row would begin: zero or less.</param>
    protected abstract void Fill(Band band, ReadOnlySpan<int> groups, Span<float> values, long start);

    /// <summary>Which of a word's codes an output has.</summary>
    protected abstract int NibbleOf(long output);

    /// <summary>The zero that a stored code means.</summary>
    protected abstract int ZeroOf(int stored);

    /// <summary>Reads words of a packed tensor.</summary>
    protected static void ReadWords(Tensor packed, long first, Span<uint> words) =>
        packed.ReadBytes(first * sizeof(uint), MemoryMarshal.AsBytes(words));

    private void ReadZeros(int group, Band band)
    {
        var firstWord = band.Row / GroupedParts.PerWord;
        var words = new uint[((band.Row + band.Rows - 1) / GroupedParts.PerWord) - firstWord + 1];
        ReadWords(parts.Zeros, (group * parts.Zeros.Shape[1]) + firstWord, words);
        for (var row = 0; row < band.Rows; row++)
        {
            var output = band.Row + row;
            var word = words[(output / GroupedParts.PerWord) - firstWord];
            band.Zeros[(group * band.Rows) + row] = ZeroOf((int)(word >> (4 * NibbleOf(output))) & 15);
        }
    }

    private int[] GroupsOf(Band band)
    {
        var groups = new int[band.To - band.From];
        if (parts.GroupOf is { } stored)
        {
            stored.ReadBytes(band.From * sizeof(int), MemoryMarshal.AsBytes(groups.AsSpan()));
            return groups;
        }

        var length = inputs / parts.Groups;
        for (var index = 0; index < groups.Length; index++)
            groups[index] = (int)((band.From + index) / length);

        return groups;
    }

    /// <summary>Consecutive outputs and a range of their inputs.</summary>
    /// <param name="Row">The first output.</param>
    /// <param name="Rows">How many outputs.</param>
    /// <param name="From">The first input; 0 if there are several outputs.</param>
    /// <param name="To">The input after the last one.</param>
    protected sealed record Band(long Row, int Rows, long From, long To)
    {
        /// <summary>[groups, rows]</summary>
        public required float[] Scales { get; init; }

        /// <summary>[groups, rows]</summary>
        public required float[] Zeros { get; init; }
    }
}
