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
