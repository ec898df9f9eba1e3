using System.Buffers;
using System.Numerics.Tensors;

namespace LoraOps.Tensors.Kernels;

/// <summary>
/// Scaled products of two thin float32 matrices. What is used for many blocks is packed once. Each element is a chain of fused
/// multiply-adds in the order of the rank: the same bits with and without vector instructions.
/// </summary>
public static class LowRankUpdate
{
    /// <summary>Adds <paramref name="scale"/> · coefficients · basis; the scale goes into the coefficients, rounded once.</summary>
    /// <param name="sum">[rows, columns]</param>
    /// <param name="coefficients">[rows, rank]</param>
    /// <param name="basis">[rank, columns]</param>
    /// <param name="rank">The inner dimension.</param>
    /// <param name="scale">The factor of the product.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public static void Add(
        Span<float> sum, ReadOnlySpan<float> coefficients, ReadOnlySpan<float> basis, int rank, float scale)
    {
        var packed = new PackedBasis(basis, rank);
        try
        {
            Add(sum, coefficients, packed, scale);
        }
        finally
        {
            packed.Release();
        }
    }

    /// <summary>Adds <paramref name="scale"/> · coefficients · basis; the scale goes into the coefficients, rounded once.</summary>
    /// <param name="sum">[rows, columns]</param>
    /// <param name="coefficients">[rows, rank]</param>
    /// <param name="basis">[rank, columns]</param>
    /// <param name="scale">The factor of the product.</param>
    /// <exception cref="ArgumentException">The lengths do not belong together.</exception>
    public static void Add(Span<float> sum, ReadOnlySpan<float> coefficients, PackedBasis basis, float scale)
    {
        var pooled = ArrayPool<float>.Shared.Rent(coefficients.Length);
        try
        {
            var scaled = pooled.AsSpan(0, coefficients.Length);
            TensorPrimitives.Multiply(coefficients, scale, scaled);
            FusedUpdate.Apply(sum, scaled, basis);
        }
        finally
        {
            ArrayPool<float>.Shared.Return(pooled);
        }
    }

    /// <summary>The combination of the rows of <paramref name="basis"/>.</summary>
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
