using System.Numerics.Tensors;

namespace LoraOps.Tensors.Kernels;

/// <summary>Products of small row-major float64 matrices whose rows are as long as <see cref="ColumnPanels.Width"/> says.</summary>
internal static class SmallMatrix
{
    /// <summary>left · right; a chain of fused multiply-adds in the order of the inner dimension.</summary>
    /// <param name="left">[rows, inner]</param>
    /// <param name="right">[inner, columns]</param>
    /// <param name="size">The three sizes.</param>
    public static double[] Times(ReadOnlySpan<double> left, ReadOnlySpan<double> right, (int Rows, int Inner, int Columns) size)
    {
        var (step, width) = (ColumnPanels.Width(size.Inner), ColumnPanels.Width(size.Columns));
        var product = new double[size.Rows * width];
        for (var row = 0; row < size.Rows; row++)
        {
            var target = product.AsSpan(row * width, size.Columns);
            for (var inner = 0; inner < size.Inner; inner++)
            {
                if (left[(row * step) + inner] is not 0.0 and var factor)
                    TensorPrimitives.FusedMultiplyAdd(right.Slice(inner * width, size.Columns), factor, target, target);
            }
        }

        return product;
    }

    /// <summary>leftᵀ · right.</summary>
    /// <param name="left">[inner, rows]</param>
    /// <param name="right">[inner, columns]</param>
    /// <param name="size">The three sizes.</param>
    public static double[] CrossTimes(ReadOnlySpan<double> left, ReadOnlySpan<double> right, (int Rows, int Inner, int Columns) size)
    {
        var (step, width) = (ColumnPanels.Width(size.Rows), ColumnPanels.Width(size.Columns));
        var product = new double[size.Rows * width];
        for (var inner = 0; inner < size.Inner; inner++)
        {
            for (var row = 0; row < size.Rows; row++)
            {
                var target = product.AsSpan(row * width, size.Columns);
                if (left[(inner * step) + row] is not 0.0 and var factor)
                    TensorPrimitives.FusedMultiplyAdd(right.Slice(inner * width, size.Columns), factor, target, target);
            }
        }

        return product;
    }
}
