using System.Numerics.Tensors;
using System.Runtime.Intrinsics;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Products of a large float32 matrix in memory with thin float64 matrices. Parts of it are widened into a cache and multiplied
/// there, so nothing is rounded to float32 on the way; the order of every sum is fixed.
/// </summary>
internal sealed class FloatProduct
{
    private const int Rows = ProductTile.Rows;
    private const int Panel = ProductTile.Columns;

    // Widened rows of this length, and the thin matrix's rows beside them, stay in a second-level cache.
    private const int Strip = 512;

    // So many rows of so many columns are widened at once.
    private const int BlockRows = 128;
    private const int BlockColumns = 256;

    private readonly float[] _values;
    private readonly int _rows;
    private readonly int _columns;

    /// <summary>A matrix.</summary>
    /// <param name="values">[rows, columns] row-major; is neither copied nor changed.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="columns">The columns.</param>
    public FloatProduct(float[] values, int rows, int columns) => (_values, _rows, _columns) = (values, rows, columns);

    /// <summary>The sum of the squares of all elements, in float64.</summary>
    public double Squares()
    {
        var sum = 0.0;
        for (var row = 0; row < _rows; row++)
            sum += DotProduct.Of(_values.AsSpan(row * _columns, _columns), _values.AsSpan(row * _columns, _columns));

        return sum;
    }

    /// <summary>matrix · right.</summary>
    /// <param name="right">As tall as the matrix is wide.</param>
    public ColumnPanels Times(ColumnPanels right)
    {
        var product = new ColumnPanels(_rows, right.Columns);
        var widened = new double[Rows * Strip];
        for (var first = 0; first < _columns; first += Strip)
        {
            var depth = Math.Min(Strip, _columns - first);
            var steps = new TileSteps(Strip, 1, (nuint)depth);
            for (var row = 0; row < _rows; row += Rows)
            {
                for (var line = 0; line < Rows; line++)
                {
                    var target = widened.AsSpan(line * Strip, depth);
                    if (row + line < _rows)
                        TensorPrimitives.ConvertTruncating<float, double>(_values.AsSpan(((row + line) * _columns) + first, depth), target);
                    else
                        target.Clear();
                }

                for (var column = 0; column < right.Columns; column += Panel)
                    ProductTile.Run(ref product.Row(row, column / Panel)[0], Panel, ref widened[0], steps, ref right.Row(first, column / Panel)[0], add: true);
            }
        }

        return product;
    }

    /// <summary>matrixᵀ · right.</summary>
    /// <param name="right">As tall as the matrix.</param>
    public ColumnPanels CrossTimes(ColumnPanels right)
    {
        var product = new ColumnPanels(_columns, right.Columns);
        var widened = new double[BlockRows * BlockColumns];
        for (var first = 0; first < _rows; first += BlockRows)
        {
            var depth = Math.Min(BlockRows, _rows - first);
            var steps = new TileSteps(1, Rows, (nuint)depth);
            for (var left = 0; left < _columns; left += BlockColumns)
            {
                var width = Math.Min(BlockColumns, _columns - left);
                for (var line = 0; line < depth; line++)
                    Widen(_values.AsSpan(((first + line) * _columns) + left, width), widened.AsSpan(line * Rows), depth * Rows);

                for (var group = 0; group < width; group += Rows)
                {
                    for (var column = 0; column < right.Columns; column += Panel)
                    {
                        ref var tile = ref product.Row(left + group, column / Panel)[0];
                        ProductTile.Run(ref tile, Panel, ref widened[group * depth], steps, ref right.Row(first, column / Panel)[0], add: true);
                    }
                }
            }
        }

        return product;
    }

    // Eight elements beside each other, the next eight a step further.
    private static void Widen(ReadOnlySpan<float> source, Span<double> target, int step)
    {
        while (source.Length >= Rows)
        {
            var (low, high) = Vector256.Widen(Vector256.Create(source));
            Vector512.Create(low, high).CopyTo(target);
            source = source[Rows..];
            target = target[Math.Min(step, target.Length)..];
        }

        for (var at = 0; at < Rows && source.Length > 0; at++)
            target[at] = at < source.Length ? source[at] : 0;
    }
}
