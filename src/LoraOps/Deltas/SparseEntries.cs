using LoraOps.Adapters;

namespace LoraOps.Deltas;

/// <summary>Single elements of a weight, sorted by row; entries of one place keep their order.</summary>
internal sealed class SparseEntries
{
    private readonly int[] _starts;
    private readonly int[] _columns;
    private readonly double[] _values;

    /// <summary>Sorts entries that lie inside.</summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="entries">Row, column and value of each.</param>
    public SparseEntries(int rows, IReadOnlyList<(int Row, int Column, double Value)> entries)
    {
        _starts = new int[rows + 1];
        foreach (var entry in entries)
            _starts[entry.Row + 1]++;

        for (var row = 0; row < rows; row++)
            _starts[row + 1] += _starts[row];

        (_columns, _values) = (new int[entries.Count], new double[entries.Count]);
        var next = _starts.AsSpan(0, rows).ToArray();
        foreach (var (row, column, value) in entries)
        {
            var place = next[row]++;
            (_columns[place], _values[place]) = (column, value);
        }
    }

    /// <summary>The columns and values of one row.</summary>
    public (ReadOnlyMemory<int> Columns, ReadOnlyMemory<double> Values) Row(int row)
    {
        var range = _starts[row].._starts[row + 1];
        return (_columns.AsMemory(range), _values.AsMemory(range));
    }

    /// <summary>The bytes that so many entries take, while they are sorted.</summary>
    public static long BytesOf(long rows, long entries) => (2 * sizeof(int) * rows) + (48 * entries);
}

/// <summary>ΔW of single elements: everything else stays as it is, to the bit.</summary>
internal sealed class SparseRows(SparseEntries entries, int columns) : RowUpdate
{
    /// <inheritdoc/>
    public override void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor)
    {
        for (var at = 0; at < rows.Length; at += columns, first++)
        {
            var (places, values) = entries.Row((int)first);
            for (var index = 0; index < places.Length;)
            {
                // Entries of one place are summed before they are added.
                var place = places.Span[index];
                var sum = 0.0;
                for (; index < places.Length && places.Span[index] == place; index++)
                    sum += values.Span[index];

                rows[at + place] = (float)(rows[at + place] + (factor * sum));
            }
        }
    }
}
