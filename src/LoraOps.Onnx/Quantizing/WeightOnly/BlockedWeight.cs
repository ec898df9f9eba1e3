namespace LoraOps.Onnx.Quantizing.WeightOnly;

/// <summary>A weight as integer codes: value = (code − zero point) · scale.</summary>
/// <param name="Grid">How it is cut.</param>
/// <param name="Codes">One byte each, <see cref="BlockGrid.Lowest"/> to <see cref="BlockGrid.Highest"/>, [rows, columns] row-major.</param>
/// <param name="Scales">One each block, [rows, blocks]; finite and not zero.</param>
/// <param name="Zeros">The zero points, [rows, blocks].</param>
public sealed record BlockedWeight(BlockGrid Grid, byte[] Codes, float[] Scales, byte[] Zeros)
{
    /// <summary>The number that the code at a row and column stands for.</summary>
    public float Value(int row, int column)
    {
        var block = (row * Grid.Blocks) + (column / Grid.Block);
        return (Codes[(row * Grid.Columns) + column] - Zeros[block]) * Scales[block];
    }

    /// <summary>20·log10(‖w‖ / ‖w − value‖), in dB; infinite if nothing was lost.</summary>
    /// <param name="values">The real weight, [rows, columns].</param>
    public double Sqnr(ReadOnlySpan<float> values)
    {
        var (signal, noise) = (0.0, 0.0);
        for (var row = 0; row < Grid.Rows; row++)
        {
            for (var column = 0; column < Grid.Columns; column++)
            {
                double value = values[(row * Grid.Columns) + column];
                signal += value * value;
                noise += (value - Value(row, column)) * (value - Value(row, column));
            }
        }

        return noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise);
    }

    /// <summary>The same scales and zero points with codes that somebody else chose.</summary>
    /// <param name="codes">As many, each within the grid's codes.</param>
    /// <exception cref="ArgumentException">They are not.</exception>
    public BlockedWeight With(byte[] codes)
    {
        ArgumentNullException.ThrowIfNull(codes);
        return codes.Length == Codes.Length && Array.TrueForAll(codes, code => code >= Grid.Lowest && code <= Grid.Highest)
            ? this with { Codes = codes }
            : throw new ArgumentException($"These are no {Codes.Length} codes of {Grid.Bits} bits.", nameof(codes));
    }
}
