using System.Numerics.Tensors;

namespace LoraOps.Tensors.Kernels;

/// <summary>The triangle L of A = L · Q, Q with orthonormal rows, by Householder's reflections of the rows; Q is never formed.</summary>
public static class Triangle
{
    /// <summary>
    /// L: rows with the same inner products as the given ones, few numbers each. Rows may be dependent or zero; each is
    /// exact to rounding beside its own norm.
    /// </summary>
    /// <param name="rows">[count, length] row-major; overwritten.</param>
    /// <param name="count">How many rows.</param>
    /// <param name="length">The length of each.</param>
    /// <returns>[count, min(count, length)] row-major, zero above the diagonal.</returns>
    public static double[] Of(Span<double> rows, int count, int length)
    {
        var side = Math.Min(count, length);
        var reflected = new double[length];
        for (var step = 0; step < side; step++)
        {
            var axis = rows.Slice((step * length) + step, length - step);
            var norm = Math.Sqrt(DotProduct.Of((ReadOnlySpan<double>)axis, axis));
            if (!(norm > 0))
                continue;

            var pivot = axis[0] > 0 ? -norm : norm;
            var mirror = reflected.AsSpan(0, axis.Length);
            axis.CopyTo(mirror);
            mirror[0] -= pivot;
            axis.Clear();
            axis[0] = pivot;

            // |mirror|² = 2 · norm · (norm + |first|)
            var half = Math.Abs(pivot * mirror[0]);
            for (var row = step + 1; row < count; row++)
            {
                var rest = rows.Slice((row * length) + step, axis.Length);
                var along = -DotProduct.Of((ReadOnlySpan<double>)rest, mirror) / half;
                TensorPrimitives.FusedMultiplyAdd(mirror, along, rest, rest);
            }
        }

        var triangle = new double[count * side];
        for (var row = 0; row < count; row++)
            rows.Slice(row * length, Math.Min(row + 1, side)).CopyTo(triangle.AsSpan(row * side));

        return triangle;
    }
}
