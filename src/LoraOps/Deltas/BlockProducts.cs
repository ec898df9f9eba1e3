using System.Buffers;
using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Deltas;

/// <summary>W · D with D square and block-diagonal. The coefficients of a block of D are the weights themselves.</summary>
internal static class BlockProducts
{
    private const int CachedFloats = 1 << 15;

    /// <summary>Adds factor · W · D to rows.</summary>
    /// <param name="rows">[count, columns]: the sum so far.</param>
    /// <param name="weight">[count, columns]</param>
    /// <param name="factor">The factor.</param>
    /// <param name="blocks">Square blocks of one size, which divides the columns; repeated along them.</param>
    /// <param name="columns">The length of a row.</param>
    public static void Add(Span<float> rows, ReadOnlySpan<float> weight, float factor, ReadOnlySpan<PackedBasis> blocks, int columns)
    {
        var (size, most) = (blocks[0].Rank, Math.Min(rows.Length, Math.Max(4, CachedFloats / columns / 4 * 4) * columns));
        var pooled = ArrayPool<float>.Shared.Rent(factor == 1 ? 0 : most);
        for (var at = 0; at < rows.Length; at += most)
        {
            var sum = rows[at..Math.Min(rows.Length, at + most)];
            var coefficients = weight.Slice(at, sum.Length);
            if (factor != 1)
            {
                TensorPrimitives.Multiply(coefficients, factor, pooled.AsSpan(0, sum.Length));
                coefficients = pooled.AsSpan(0, sum.Length);
            }

            var steps = new RowSteps(sum.Length / columns, columns, columns);
            for (var column = 0; column < columns; column += size)
                FusedUpdate.Apply(sum[column..], coefficients[column..], blocks[column / size % blocks.Length], steps);
        }

        ArrayPool<float>.Shared.Return(pooled);
    }
}
