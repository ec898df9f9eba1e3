using System.Buffers;
using System.Numerics.Tensors;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Rows of a low-rank product in float64. Each element is one chain of fused multiply-adds in the order of the rank, whether it
/// is worked out alone or in a register tile.
/// </summary>
public static class TiledProduct
{
    // A tile of eight rows for fewer than these costs more than it saves.
    private const int FewRows = 3;

    /// <summary>coefficients · basis.</summary>
    /// <param name="product">Receives [rows, columns] row-major.</param>
    /// <param name="coefficients">[rows, rank] row-major</param>
    /// <param name="basis">[rank, columns] row-major</param>
    /// <param name="rank">The inner dimension; 0 gives zeros.</param>
    /// <param name="columns">The columns.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public static void Rows(Span<double> product, ReadOnlySpan<double> coefficients, ReadOnlySpan<double> basis, int rank, int columns)
    {
        var rows = columns == 0 ? 0 : product.Length / columns;
        if (product.Length != rows * columns || coefficients.Length != (long)rows * rank || basis.Length != (long)rank * columns)
            throw new ArgumentException("The factors do not give a matrix of the product's size.", nameof(product));

        if (rows < FewRows || rank == 0)
            Chains(product, coefficients, basis, (rank, columns));
        else
            Tiles(product, coefficients, basis, (rows, rank, columns));
    }

    private static void Chains(Span<double> product, ReadOnlySpan<double> coefficients, ReadOnlySpan<double> basis, (int Rank, int Columns) size)
    {
        product.Clear();
        for (; !product.IsEmpty; product = product[size.Columns..], coefficients = coefficients[size.Rank..])
        {
            var sums = product[..size.Columns];
            for (var index = 0; index < size.Rank; index++)
                TensorPrimitives.FusedMultiplyAdd(basis.Slice(index * size.Columns, size.Columns), coefficients[index], sums, sums);
        }
    }

    private static void Tiles(
        Span<double> product, ReadOnlySpan<double> coefficients, ReadOnlySpan<double> basis, (int Rows, int Rank, int Columns) size)
    {
        const int Width = ProductTile.Columns;
        var (rows, rank, columns) = size;
        var padded = (rows + ProductTile.Rows - 1) / ProductTile.Rows * ProductTile.Rows;
        var pooled = ArrayPool<double>.Shared.Rent((padded + Width) * rank);
        var left = pooled.AsSpan(0, padded * rank);
        var panel = pooled.AsSpan(left.Length, Width * rank);
        coefficients.CopyTo(left);
        left[coefficients.Length..].Clear();
        Span<double> edge = stackalloc double[ProductTile.Rows * Width];
        var steps = new TileSteps((nuint)rank, 1, (nuint)rank);
        for (var column = 0; column < columns; column += Width)
        {
            var width = Math.Min(Width, columns - column);
            if (width < Width)
                panel.Clear();

            for (var index = 0; index < rank; index++)
                basis.Slice((index * columns) + column, width).CopyTo(panel[(index * Width)..]);

            for (var row = 0; row < rows; row += ProductTile.Rows)
            {
                var height = Math.Min(ProductTile.Rows, rows - row);
                if (height == ProductTile.Rows && width == Width)
                {
                    ProductTile.Run(ref product[(row * columns) + column], (nuint)columns, ref left[row * rank], steps, ref panel[0], add: false);
                    continue;
                }

                ProductTile.Run(ref edge[0], Width, ref left[row * rank], steps, ref panel[0], add: false);
                for (var line = 0; line < height; line++)
                    edge.Slice(line * Width, width).CopyTo(product.Slice(((row + line) * columns) + column, width));
            }
        }

        ArrayPool<double>.Shared.Return(pooled);
    }
}
