namespace LoraOps.Mixing;

/// <summary>
/// ΔW of one module as a float64 matrix in canonical orientation: [out, in] of a linear layer, [out, in · kernel…] of a
/// convolution, [dim, vocabulary] of an embedding. Its rows are worked out when they are read, so it may be larger than memory.
/// </summary>
/// <param name="rows">Outputs, or the dimensions of an embedding.</param>
/// <param name="columns">Inputs with the kernel flattened, or the vocabulary.</param>
public abstract class DeltaMatrix(int rows, int columns)
{
    private const int TileElements = 1 << 16;

    /// <summary>Outputs, or the dimensions of an embedding.</summary>
    public int Rows { get; } = rows;

    /// <summary>Inputs with the kernel flattened, or the vocabulary.</summary>
    public int Columns { get; } = columns;

    /// <summary>The number of elements; an element's flat index is row · columns + column.</summary>
    public long Count => (long)Rows * Columns;

    /// <summary>How many rows to read at once, so that a few tiles stay in a second-level cache; from 1.</summary>
    public int TileRows => Tiles.Rows(TileElements, Columns, Rows);

    /// <summary>
    /// Works out whole rows; may be called from several threads at once. An element has the same bits whenever it is read and
    /// whatever rows are read with it: methods that read in passes rely on that.
    /// </summary>
    /// <param name="first">The first row.</param>
    /// <param name="values">Receives [rows, columns] row-major: as many rows as it holds.</param>
    public abstract void Read(int first, Span<double> values);

    /// <summary>All elements, row-major; for matrices that are known to be small.</summary>
    public double[] ToArray()
    {
        var values = new double[checked(Rows * Columns)];
        Read(0, values);
        return values;
    }
}
