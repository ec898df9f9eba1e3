namespace LoraOps.Tensors.Kernels;

/// <summary>Swaps the two dimensions of a float32 matrix.</summary>
public static class Transposition
{
    // A tile of 32 × 32 floats keeps both its sides in the first-level cache.
    private const int Tile = 32;

    /// <summary>Writes the transposed matrix.</summary>
    /// <param name="source">[rows, columns]</param>
    /// <param name="rows">The rows of the source.</param>
    /// <param name="columns">The columns of the source.</param>
    /// <param name="destination">Receives [columns, rows]; must not overlap the source.</param>
    public static void Transpose(ReadOnlySpan<float> source, int rows, int columns, Span<float> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(source.Length, checked(rows * columns));
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, source.Length);
        for (var top = 0; top < rows; top += Tile)
        {
            for (var left = 0; left < columns; left += Tile)
                TransposeTile(source, destination, (top, Math.Min(top + Tile, rows)), (left, Math.Min(left + Tile, columns)), (rows, columns));
        }
    }

    private static void TransposeTile(
        ReadOnlySpan<float> source, Span<float> destination, (int From, int To) vertical, (int From, int To) across, (int Rows, int Columns) size)
    {
        for (var row = vertical.From; row < vertical.To; row++)
        {
            for (var column = across.From; column < across.To; column++)
                destination[(column * size.Rows) + row] = source[(row * size.Columns) + column];
        }
    }
}
