using System.Buffers;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// The right factor of a low-rank product, laid out for the kernel: panels of <see cref="PanelWidth"/> columns, each with all
/// its rows one after another, the last filled up with zeros. Its memory is pooled if it is released when the product is done.
/// </summary>
public sealed class PackedBasis
{
    /// <summary>The columns of one panel.</summary>
    public const int PanelWidth = 32;

    private float[]? _panels;

    /// <summary>Packs a factor.</summary>
    /// <param name="basis">[rank, columns] row-major</param>
    /// <param name="rank">The inner dimension, from 1.</param>
    /// <exception cref="ArgumentException">The length is no multiple of the rank.</exception>
    public PackedBasis(ReadOnlySpan<float> basis, int rank)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        if (basis.Length % rank != 0)
            throw new ArgumentException("The basis has no whole rows.", nameof(basis));

        (Rank, Columns) = (rank, basis.Length / rank);
        _panels = ArrayPool<float>.Shared.Rent(checked(PanelCount * PanelLength));
        for (var panel = 0; panel < PanelCount; panel++)
        {
            var width = Math.Min(PanelWidth, Columns - (panel * PanelWidth));
            for (var k = 0; k < rank; k++)
            {
                var row = _panels.AsSpan((panel * PanelLength) + (k * PanelWidth), PanelWidth);
                basis.Slice((k * Columns) + (panel * PanelWidth), width).CopyTo(row);
                row[width..].Clear();
            }
        }
    }

    /// <summary>The inner dimension.</summary>
    public int Rank { get; }

    /// <summary>The columns of the product.</summary>
    public int Columns { get; }

    /// <summary>The number of panels.</summary>
    public int PanelCount => (Columns + PanelWidth - 1) / PanelWidth;

    /// <summary>The most memory that a basis takes: the arrays of the pool are up to twice as long as needed.</summary>
    public static long Bytes(long rank, long columns) =>
        (2 * sizeof(float) * rank * (columns + PanelWidth - 1) / PanelWidth * PanelWidth) + 128;

    private int PanelLength => Rank * PanelWidth;

    /// <summary>One panel, [rank, <see cref="PanelWidth"/>].</summary>
    /// <exception cref="ObjectDisposedException">It was released.</exception>
    public ReadOnlySpan<float> Panel(int index)
    {
        ObjectDisposedException.ThrowIf(_panels is null, this);
        return _panels.AsSpan(index * PanelLength, PanelLength);
    }

    /// <summary>Gives the memory back; the panels are gone.</summary>
    public void Release()
    {
        if (_panels is not null)
            ArrayPool<float>.Shared.Return(_panels);

        _panels = null;
    }
}
