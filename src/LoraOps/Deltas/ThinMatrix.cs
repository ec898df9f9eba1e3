using LoraOps.Tensors.Kernels;

namespace LoraOps.Deltas;

/// <summary>A matrix that is given whole, or as a product of two thin ones of which one row at a time is computed.</summary>
internal sealed class ThinMatrix
{
    private readonly float[] _coefficients;
    private readonly float[] _basis;
    private readonly int _rank;

    /// <summary>A product.</summary>
    /// <param name="coefficients">[rows, rank]</param>
    /// <param name="basis">[rank, columns]</param>
    /// <param name="rank">The inner dimension, from 1.</param>
    public ThinMatrix(float[] coefficients, float[] basis, int rank)
    {
        (_coefficients, _basis, _rank) = (coefficients, basis, rank);
        Columns = basis.Length / rank;
    }

    /// <summary>A matrix that is given whole.</summary>
    /// <param name="values">[rows, columns]</param>
    /// <param name="columns">The length of a row.</param>
    public ThinMatrix(float[] values, int columns)
    {
        (_coefficients, _basis, _rank) = ([], values, 0);
        Columns = columns;
    }

    /// <summary>The length of a row.</summary>
    public int Columns { get; }

    /// <summary>One row.</summary>
    /// <param name="row">Its index.</param>
    /// <param name="scratch">At least [columns]; holds the row if it had to be computed.</param>
    public ReadOnlySpan<float> Row(long row, Span<float> scratch)
    {
        if (_rank == 0)
            return _basis.AsSpan(checked((int)(row * Columns)), Columns);

        var result = scratch[..Columns];
        LowRankUpdate.Row(result, _coefficients.AsSpan(checked((int)(row * _rank)), _rank), _basis);
        return result;
    }
}
