using System.Buffers;

namespace LoraOps.Mixing;

/// <summary>Looks at a part of a matrix.</summary>
/// <param name="values">Whole rows.</param>
/// <param name="index">The flat index of the first element.</param>
/// <returns>False if nothing more is to be read.</returns>
internal delegate bool TileVisitor(Span<double> values, long index);

/// <summary>Goes through a matrix tile by tile.</summary>
internal static class Tiles
{
    // Rows of a product are worked out eight at a time; a part of eight takes as long.
    private const int Together = 8;

    /// <summary>How many rows to work out at once, from 1.</summary>
    /// <param name="elements">How many elements a tile should have; it may have four times as many where rows are long.</param>
    /// <param name="columns">The elements of a row.</param>
    /// <param name="rows">All rows.</param>
    public static int Rows(int elements, long columns, int rows)
    {
        var fitting = (int)(elements / Math.Max(1, columns));
        fitting = fitting < 2 ? 1 : Math.Max(Together, fitting - (fitting % Together));
        return Math.Clamp(fitting, 1, Math.Max(1, rows));
    }

    /// <summary>Works out all rows in their order.</summary>
    /// <param name="delta">The matrix.</param>
    /// <param name="visit">Sees a tile at a time and may change it.</param>
    public static void Read(DeltaMatrix delta, TileVisitor visit)
    {
        var rows = delta.TileRows;
        var pooled = ArrayPool<double>.Shared.Rent(rows * delta.Columns);
        var more = true;
        for (var row = 0; row < delta.Rows && more; row += rows)
        {
            var tile = pooled.AsSpan(0, Math.Min(rows, delta.Rows - row) * delta.Columns);
            delta.Read(row, tile);
            more = visit(tile, (long)row * delta.Columns);
        }

        ArrayPool<double>.Shared.Return(pooled);
    }
}
