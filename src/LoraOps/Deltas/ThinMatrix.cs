using LoraOps.Tensors.Kernels;

namespace LoraOps.Deltas;

/// <summary>A matrix that is given whole, or as a product of two thin ones of which rows are computed as they are asked for.</summary>
internal sealed class ThinMatrix
{
    private readonly float[] _coefficients;
    private readonly PackedBasis? _basis;

    /// <summary>A product.</summary>
    /// <param name="coefficients">[rows, rank]</param>
    /// <param name="basis">[rank, columns]; it is copied.</param>
    /// <param name="rank">The inner dimension, from 1.</param>
    public ThinMatrix(float[] coefficients, float[] basis, int rank)
    {
        (_coefficients, _basis) = (coefficients, new PackedBasis(basis, rank));
        Columns = basis.Length / rank;
    }

    /// <summary>A matrix that is given whole.</summary>
    /// <param name="values">[rows, columns]</param>
    /// <param name="columns">The length of a row.</param>
    public ThinMatrix(float[] values, int columns)
    {
        _coefficients = values;
        Columns = columns;
    }

    /// <summary>The length of a row.</summary>
    public int Columns { get; }

    /// <summary>The memory of a product, with the basis as it was read.</summary>
    public static long PreparedBytes(long rows, long columns, long rank) =>
        (sizeof(float) * rank * (rows + columns)) + PackedBasis.Bytes(rank, columns);

    /// <summary>Consecutive rows.</summary>
    /// <param name="first">The index of the first.</param>
    /// <param name="scratch">[count, columns]; holds the rows if they had to be computed.</param>
    public ReadOnlySpan<float> Rows(long first, Span<float> scratch)
    {
        if (_basis is null)
            return _coefficients.AsSpan(checked((int)(first * Columns)), scratch.Length);

        scratch.Clear();
        Add(first, scratch);
        return scratch;
    }

    /// <summary>Adds consecutive rows of a product to a sum.</summary>
    /// <param name="first">The index of the first.</param>
    /// <param name="sum">[count, columns]</param>
    public void Add(long first, Span<float> sum)
    {
        var rank = _basis!.Rank;
        FusedUpdate.Apply(sum, _coefficients.AsSpan(checked((int)(first * rank)), sum.Length / Columns * rank), _basis);
    }
}
