using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Rows of a low-rank product in float64, its right factor laid out for register tiles once. Each element is one chain of fused
/// multiply-adds in the order of the rank, whether it is worked out alone or in a tile.
/// </summary>
public sealed class TiledProduct
{
    private const int Width = ProductTile.Columns;

    // A tile of eight rows for fewer than these costs more than it saves.
    private const int FewRows = 3;

    // So many elements of panels are used for all rows before the next: a part of a second-level cache.
    private const int CachedElements = 1 << 15;

    private readonly double[] _panels;
    private readonly int _rank;
    private readonly int _columns;

    /// <summary>Lays the right factor out.</summary>
    /// <param name="basis">[rank, columns] row-major</param>
    /// <param name="rank">The inner dimension; 0 gives zeros.</param>
    /// <param name="columns">The columns of the product.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public TiledProduct(ReadOnlySpan<double> basis, int rank, int columns)
    {
        if (basis.Length != (long)rank * columns)
            throw new ArgumentException("The basis has not the size that it should.", nameof(basis));

        (_rank, _columns) = (rank, columns);
        _panels = new double[checked(rank * ((columns + Width - 1) / Width) * Width)];
        for (var index = 0; index < rank; index++)
        {
            var row = basis.Slice(index * columns, columns);
            for (var column = 0; column < columns; column += Width)
                row[column..Math.Min(columns, column + Width)].CopyTo(_panels.AsSpan((column * rank) + (index * Width)));
        }
    }

    /// <summary>coefficients · basis.</summary>
    /// <param name="product">Receives [rows, columns] row-major.</param>
    /// <param name="coefficients">[rows, rank] row-major</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public void Rows(Span<double> product, ReadOnlySpan<double> coefficients)
    {
        var rows = _columns == 0 ? 0 : product.Length / _columns;
        if (product.Length != rows * _columns || coefficients.Length != (long)rows * _rank)
            throw new ArgumentException("The coefficients do not give rows of the product.", nameof(product));

        // Rows that are too few for a tile at the end are worked out alone.
        var tiled = rows % ProductTile.Rows < FewRows ? rows - (rows % ProductTile.Rows) : rows;
        if (tiled > 0)
            Tiles(product[..(tiled * _columns)], coefficients[..(tiled * _rank)], tiled);

        for (var row = tiled; row < rows; row++)
            Row(product.Slice(row * _columns, _columns), coefficients.Slice(row * _rank, _rank));
    }

    private void Tiles(Span<double> product, ReadOnlySpan<double> coefficients, int rows)
    {
        var padded = (rows + ProductTile.Rows - 1) / ProductTile.Rows * ProductTile.Rows;
        var pooled = ArrayPool<double>.Shared.Rent((padded * _rank) + 1);
        coefficients.CopyTo(pooled);
        pooled.AsSpan(coefficients.Length, (padded * _rank) - coefficients.Length).Clear();
        var atOnce = Math.Max(1, CachedElements / (Width * Math.Max(1, _rank))) * Width;
        for (var first = 0; first < _columns; first += atOnce)
        {
            for (var row = 0; row < rows; row += ProductTile.Rows)
            {
                for (var column = first; column < Math.Min(first + atOnce, _columns); column += Width)
                    Tile(product, pooled.AsSpan(row * _rank), (row, column), Math.Min(ProductTile.Rows, rows - row));
            }
        }

        ArrayPool<double>.Shared.Return(pooled);
    }

    private void Tile(Span<double> product, Span<double> coefficients, (int Row, int Column) at, int height)
    {
        var (steps, width) = (new TileSteps((nuint)_rank, 1, (nuint)_rank), Math.Min(Width, _columns - at.Column));
        ref var left = ref MemoryMarshal.GetReference(coefficients);
        ref var panel = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_panels), at.Column * _rank);
        product = product[((at.Row * _columns) + at.Column)..];
        if (height == ProductTile.Rows && width == Width)
            ProductTile.Run(ref product[0], (nuint)_columns, ref left, steps, ref panel, add: false);
        else
            Edge(product, (height, width), ref left, steps, ref panel);
    }

    // On its own, because stack memory is cleared at every call.
    private void Edge(Span<double> product, (int Height, int Width) size, ref double left, TileSteps steps, ref double panel)
    {
        Span<double> edge = stackalloc double[ProductTile.Rows * Width];
        ProductTile.Run(ref edge[0], Width, ref left, steps, ref panel, add: false);
        for (var line = 0; line < size.Height; line++)
            edge.Slice(line * Width, size.Width).CopyTo(product[(line * _columns)..]);
    }

    private void Row(Span<double> product, ReadOnlySpan<double> coefficients)
    {
        Span<double> edge = stackalloc double[Width];
        for (var column = 0; column < _columns; column += Width)
        {
            var panel = _panels.AsSpan(column * _rank, Width * _rank);
            var (low, high) = (Vector512<double>.Zero, Vector512<double>.Zero);
            foreach (var coefficient in coefficients)
            {
                var value = Vector512.Create(coefficient);
                low = Vector512.FusedMultiplyAdd(value, Vector512.Create<double>(panel), low);
                high = Vector512.FusedMultiplyAdd(value, Vector512.Create<double>(panel[8..]), high);
                panel = panel[Width..];
            }

            low.CopyTo(edge);
            high.CopyTo(edge[8..]);
            edge[..Math.Min(Width, _columns - column)].CopyTo(product[column..]);
        }
    }
}
