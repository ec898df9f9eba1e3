using System.Numerics.Tensors;
using LoraOps.Adapters;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Merging;

/// <summary>The sum of several low-rank products as one: their inner dimensions side by side, their factors in the left one.</summary>
internal sealed class JoinedProduct
{
    private readonly float[] _coefficients;
    private readonly PackedBasis _basis;

    /// <summary>Joins products of equal size.</summary>
    /// <param name="products">The products and their adapters' weights.</param>
    /// <param name="isTransposed">True for the transposed sum: the factors change places.</param>
    public JoinedProduct(IReadOnlyList<(ProductUpdate Product, float Factor)> products, bool isTransposed)
    {
        var rank = products.Sum(pair => pair.Product.Rank);
        var first = products[0].Product;
        var (rows, columns) = (first.Coefficients.Length / first.Rank, first.Columns);
        var (left, right) = (new float[rows * rank], products.Count == 1 ? first.Basis : new float[rank * columns]);
        for (int index = 0, at = 0; index < products.Count; at += products[index].Product.Rank, index++)
        {
            var (product, factor) = products[index];
            for (var row = 0; row < rows; row++)
            {
                TensorPrimitives.Multiply(
                    product.Coefficients.AsSpan(row * product.Rank, product.Rank),
                    (float)(product.Scale * factor),
                    left.AsSpan((row * rank) + at, product.Rank));
            }

            if (right != product.Basis)
                product.Basis.CopyTo(right, at * columns);
        }

        _coefficients = isTransposed ? Transposed(right, rank, columns) : left;
        _basis = new PackedBasis(isTransposed ? Transposed(left, rows, rank) : right, rank);
    }

    /// <summary>The columns of the stored matrix.</summary>
    public int Columns => _basis.Columns;

    /// <summary>Adds rows of the sum to stored ones and rounds; false if a result is not finite.</summary>
    public bool AddTo(long firstRow, Span<ushort> rows) => FusedUpdate.Apply(rows, Coefficients(firstRow, rows.Length), _basis);

    /// <inheritdoc cref="AddTo(long, Span{ushort})"/>
    public bool AddTo(long firstRow, Span<float> rows) => FusedUpdate.Apply(rows, Coefficients(firstRow, rows.Length), _basis);

    /// <summary>Gives the memory back.</summary>
    public void Release() => _basis.Release();

    private ReadOnlySpan<float> Coefficients(long firstRow, int elements) =>
        _coefficients.AsSpan(checked((int)firstRow * _basis.Rank), elements / Columns * _basis.Rank);

    private static float[] Transposed(float[] matrix, int rows, int columns)
    {
        var result = new float[matrix.Length];
        Transposition.Transpose(matrix, rows, columns, result);
        return result;
    }
}
