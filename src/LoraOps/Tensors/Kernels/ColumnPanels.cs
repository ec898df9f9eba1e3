using System.Buffers;
using System.Runtime.InteropServices;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// A tall thin float64 matrix laid out for <see cref="ProductTile"/>: panels of 16 columns, each with all its rows one after
/// another; filled up with zeros to whole panels and to 8 rows. Its memory is pooled if it is released when it is done with.
/// Small matrices beside it are row-major, their rows <see cref="Width"/> of their columns long, filled up with zeros.
/// </summary>
internal sealed class ColumnPanels
{
    private const int Panel = ProductTile.Columns;

    // Two panels of so many rows stay in a first-level cache.
    private const int CachedRows = 128;

    private double[]? _values;

    /// <summary>A matrix of zeros, or of anything if the caller writes every row and panel.</summary>
    /// <param name="rows">Its height.</param>
    /// <param name="columns">Its width.</param>
    /// <param name="clear">Fills it with zeros.</param>
    public ColumnPanels(int rows, int columns, bool clear = true)
    {
        (Rows, Columns) = (rows, columns);
        _values = ArrayPool<double>.Shared.Rent(checked(PaddedRows * Width(columns)));
        if (clear)
            _values.AsSpan(0, PaddedRows * Width(columns)).Clear();
        else
            ClearEdges();
    }

    /// <summary>The height.</summary>
    public int Rows { get; }

    /// <summary>The width.</summary>
    public int Columns { get; }

    /// <summary>The height with the zeros below.</summary>
    public int PaddedRows => (Rows + ProductTile.Rows - 1) / ProductTile.Rows * ProductTile.Rows;

    /// <summary>Columns with the zeros beside them: whole panels.</summary>
    public static int Width(int columns) => (columns + Panel - 1) / Panel * Panel;

    private double[] Values => _values ?? throw new ObjectDisposedException(nameof(ColumnPanels));

    /// <summary>The 16 elements of a row in a panel.</summary>
    public Span<double> Row(int row, int panel) => Values.AsSpan(((panel * PaddedRows) + row) * Panel, Panel);

    /// <summary>Of a row-major matrix, [rows, columns].</summary>
    public static ColumnPanels Of(ReadOnlySpan<double> values, int rows, int columns)
    {
        var panels = new ColumnPanels(rows, columns, clear: false);
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column += Panel)
            {
                var part = values.Slice((row * columns) + column, Math.Min(Panel, columns - column));
                part.CopyTo(panels.Row(row, column / Panel));
            }
        }

        return panels;
    }

    /// <summary>Of the columns as rows: [columns, rows] row-major.</summary>
    public static ColumnPanels OfTransposed(ReadOnlySpan<double> values, int rows, int columns)
    {
        const int Strip = 8;
        var panels = new ColumnPanels(rows, columns, clear: false);
        var target = panels.Values.AsSpan();
        for (var panel = 0; panel * Panel < columns; panel++)
        {
            var lanes = Math.Min(Panel, columns - (panel * Panel));
            for (var first = 0; first < rows; first += Strip)
            {
                var rest = Math.Min(Strip, rows - first);
                var strip = target.Slice(((panel * panels.PaddedRows) + first) * Panel, rest * Panel);
                for (var lane = 0; lane < lanes; lane++)
                {
                    var source = values.Slice((((panel * Panel) + lane) * rows) + first, rest);
                    for (var at = 0; at < source.Length; at++)
                        strip[(at * Panel) + lane] = source[at];
                }
            }
        }

        return panels;
    }

    /// <summary>Some of the columns, in a given order.</summary>
    public ColumnPanels Select(IReadOnlyList<int> columns)
    {
        var selected = new ColumnPanels(Rows, columns.Count);
        for (var at = 0; at < columns.Count; at++)
        {
            for (var row = 0; row < Rows; row++)
                selected.Row(row, at / Panel)[at % Panel] = Row(row, columns[at] / Panel)[columns[at] % Panel];
        }

        return selected;
    }

    /// <summary>[rows, columns] row-major.</summary>
    public double[] ToRows()
    {
        var values = GC.AllocateUninitializedArray<double>(checked(Rows * Columns));
        for (var row = 0; row < Rows; row++)
        {
            for (var column = 0; column < Columns; column += Panel)
                Row(row, column / Panel)[..Math.Min(Panel, Columns - column)].CopyTo(values.AsSpan((row * Columns) + column));
        }

        return values;
    }

    /// <summary>[columns, rows] row-major.</summary>
    public double[] ToColumns()
    {
        const int Strip = 8;
        var values = GC.AllocateUninitializedArray<double>(checked(Rows * Columns));
        for (var first = 0; first < Rows; first += Strip)
        {
            var rest = Math.Min(Strip, Rows - first);
            for (var column = 0; column < Columns; column++)
            {
                var strip = Values.AsSpan((((column / Panel * PaddedRows) + first) * Panel) + (column % Panel));
                var target = values.AsSpan((column * Rows) + first, rest);
                for (var at = 0; at < target.Length; at++)
                    target[at] = strip[at * Panel];
            }
        }

        return values;
    }

    /// <summary>thisᵀ · right as a small matrix; of itself only what lies on and left of the diagonal.</summary>
    public double[] Cross(ColumnPanels right)
    {
        var step = Width(right.Columns);
        var sums = new double[Width(Columns) * step];
        ref var sum = ref MemoryMarshal.GetArrayDataReference(sums);
        for (var first = 0; first < PaddedRows; first += CachedRows)
        {
            var steps = new TileSteps(1, Panel, (nuint)Math.Min(CachedRows, PaddedRows - first));
            for (var top = 0; top < Columns; top += ProductTile.Rows)
            {
                ref var left = ref Row(first, top / Panel)[top % Panel];
                var last = right == this ? top : right.Columns - 1;
                for (var column = 0; column <= last; column += Panel)
                {
                    ref var tile = ref System.Runtime.CompilerServices.Unsafe.Add(ref sum, (top * step) + column);
                    ProductTile.Run(ref tile, (nuint)step, ref left, steps, ref right.Row(first, column / Panel)[0], add: true);
                }
            }
        }

        return sums;
    }

    /// <summary>this · small.</summary>
    /// <param name="small">[this matrix's columns, columns], a small matrix.</param>
    /// <param name="columns">The columns of the product.</param>
    public ColumnPanels Times(ReadOnlySpan<double> small, int columns)
    {
        var product = new ColumnPanels(Rows, columns, clear: false);
        product.Product(this, small, add: false);
        return product;
    }

    /// <summary>this ← this + left · small.</summary>
    /// <param name="left">As tall as this.</param>
    /// <param name="small">[the left matrix's columns, this matrix's columns], a small matrix.</param>
    public void Add(ColumnPanels left, ReadOnlySpan<double> small) => Product(left, small, add: true);

    /// <summary>Gives the memory back; the matrix is gone.</summary>
    public void Release()
    {
        if (_values is not null)
            ArrayPool<double>.Shared.Return(_values);

        _values = null;
    }

    private void Product(ColumnPanels left, ReadOnlySpan<double> small, bool add)
    {
        var (step, depth) = (Width(Columns), Width(left.Columns));
        var packed = new double[step * depth];
        var segments = new int[step / Panel];
        for (var column = 0; column < step; column += Panel)
        {
            for (var row = 0; row < left.Columns; row++)
            {
                var part = small.Slice((row * step) + column, Panel);
                part.CopyTo(packed.AsSpan((column * depth) + (row * Panel)));
                // Zeros at the end, as in a triangle, need not be multiplied.
                if (part.ContainsAnyExcept(0.0))
                    segments[column / Panel] = (row / Panel) + 1;
            }
        }

        for (var row = 0; row < PaddedRows; row += ProductTile.Rows)
        {
            ref var source = ref left.Row(row, 0)[0];
            for (var column = 0; column < step; column += Panel)
            {
                var steps = new TileSteps(Panel, 1, Panel, (nuint)segments[column / Panel], (nuint)(left.PaddedRows * Panel));
                ProductTile.Run(ref Row(row, column / Panel)[0], Panel, ref source, steps, ref packed[column * depth], add);
            }
        }
    }

    // What no row and no column of the matrix fills.
    private void ClearEdges()
    {
        for (var panel = 0; panel * Panel < Columns; panel++)
        {
            var first = (panel + 1) * Panel > Columns ? 0 : Rows;
            Values.AsSpan(((panel * PaddedRows) + first) * Panel, (PaddedRows - first) * Panel).Clear();
        }
    }
}
