using System.Numerics.Tensors;

namespace LoraOps.Mixing;

/// <summary>A delta with a factor for each of its rows or columns, worked out when read.</summary>
internal sealed class ScaledDelta : DeltaMatrix
{
    private readonly DeltaMatrix _delta;
    private readonly double[] _factors;
    private readonly bool _byRow;

    private ScaledDelta(DeltaMatrix delta, double[] factors, bool byRow)
        : base(delta.Rows, delta.Columns) => (_delta, _factors, _byRow) = (delta, factors, byRow);

    /// <summary>diag(factors) · Δ: a product of factors stays one.</summary>
    /// <param name="delta">The delta.</param>
    /// <param name="factors">[rows]</param>
    public static DeltaMatrix ByRow(DeltaMatrix delta, double[] factors)
    {
        if (delta is not LowRank product)
            return new ScaledDelta(delta, factors, byRow: true);

        var b = new double[product.B.Length];
        for (var row = 0; row < product.Rows; row++)
        {
            var own = (product.Rank * row)..(product.Rank * (row + 1));
            TensorPrimitives.Multiply(product.B.AsSpan(own), factors[row], b.AsSpan(own));
        }

        return new LowRank(b, product.A, product.Rank, (product.Rows, product.Columns), product.Scale);
    }

    /// <summary>Δ · diag(factors): a product of factors stays one.</summary>
    /// <param name="delta">The delta.</param>
    /// <param name="factors">[columns]</param>
    public static DeltaMatrix ByColumn(DeltaMatrix delta, double[] factors)
    {
        if (delta is not LowRank product)
            return new ScaledDelta(delta, factors, byRow: false);

        var a = new double[product.A.Length];
        for (var index = 0; index < product.Rank; index++)
        {
            var own = (product.Columns * index)..(product.Columns * (index + 1));
            TensorPrimitives.Multiply(product.A.AsSpan(own), factors, a.AsSpan(own));
        }

        return new LowRank(product.B, a, product.Rank, (product.Rows, product.Columns), product.Scale);
    }

    /// <inheritdoc/>
    public override void Read(int first, Span<double> values)
    {
        _delta.Read(first, values);
        for (var row = first; !values.IsEmpty; row++, values = values[Columns..])
        {
            var own = values[..Columns];
            if (_byRow)
                TensorPrimitives.Multiply(own, _factors[row], own);
            else
                TensorPrimitives.Multiply(own, _factors, own);
        }
    }
}
