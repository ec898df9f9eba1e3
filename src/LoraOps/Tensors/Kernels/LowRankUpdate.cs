using System.Numerics.Tensors;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Products of two thin float32 matrices, row by row. Each element is a chain of fused multiply-adds in the order of the
/// rank, so the result is the same bits with and without vector instructions.
/// </summary>
public static class LowRankUpdate
{
    /// <summary>Adds <paramref name="scale"/> · coefficients · basis; the scale is applied after the product, as PEFT does.</summary>
    /// <param name="sum">[rows, columns]</param>
    /// <param name="coefficients">[rows, rank]</param>
    /// <param name="basis">[rank, columns]</param>
    /// <param name="rank">The inner dimension.</param>
    /// <param name="scale">The factor of the product.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public static void Add(
        Span<float> sum, ReadOnlySpan<float> coefficients, ReadOnlySpan<float> basis, int rank, float scale)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rank, 1);
        var rows = coefficients.Length / rank;
        var columns = basis.Length / rank;
        if (coefficients.Length % rank != 0 || basis.Length % rank != 0 || sum.Length != (long)rows * columns)
            throw new ArgumentException("The factors do not give a matrix of the sum's size.", nameof(sum));

        var product = new float[columns];
        for (var row = 0; row < rows; row++)
        {
            Row(product, coefficients.Slice(row * rank, rank), basis);
            TensorPrimitives.Multiply(product, scale, product);
            var target = sum.Slice(row * columns, columns);
            TensorPrimitives.Add(target, product, target);
        }
    }

    /// <summary>One row of the product: the combination of the rows of <paramref name="basis"/>.</summary>
    /// <param name="row">Receives [columns].</param>
    /// <param name="coefficients">[rank]</param>
    /// <param name="basis">[rank, columns]</param>
    public static void Row(Span<float> row, ReadOnlySpan<float> coefficients, ReadOnlySpan<float> basis)
    {
        TensorPrimitives.Multiply(basis[..row.Length], coefficients[0], row);
        for (var index = 1; index < coefficients.Length; index++)
            TensorPrimitives.FusedMultiplyAdd(basis.Slice(index * row.Length, row.Length), coefficients[index], row, row);
    }
}
