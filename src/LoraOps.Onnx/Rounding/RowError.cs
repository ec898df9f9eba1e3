using System.Numerics.Tensors;
using LoraOps.Tensors.Kernels;

namespace LoraOps.Onnx.Rounding;

/// <summary>The error e of one row and H·e, kept up to date while codes change.</summary>
internal sealed class RowError
{
    private readonly double[] _matrix;
    private readonly double[] _error;
    private readonly double[] _product;
    private readonly int _size;

    private RowError(double[] matrix, double[] error)
    {
        (_matrix, _error, _size) = (matrix, error, error.Length);
        _product = new double[_size];
        for (var i = 0; i < _size; i++)
            _product[i] = DotProduct.Of(matrix.AsSpan(i * _size, _size), error);
    }

    /// <summary>eᵀ·H·e; never below zero but for rounding.</summary>
    public double Value => Math.Max(0, DotProduct.Of(_error, _product));

    public static RowError Of(RoundingLayer layer, int row, ReadOnlySpan<int> codes, double[] matrix)
    {
        var error = new double[codes.Length];
        var values = layer.Row(row);
        for (var i = 0; i < error.Length; i++)
            error[i] = layer.Real(row, i, codes[i]) - values[i];

        return new RowError(matrix, error);
    }

    /// <summary>How much the value changes if one element of e does.</summary>
    public double Change(int column, double step) =>
        step * ((2 * _product[column]) + (step * _matrix[(column * _size) + column]));

    /// <summary>e where a column stands.</summary>
    public double At(int column) => _error[column];

    /// <summary>Changes one element of e.</summary>
    public void Move(int column, double step)
    {
        _error[column] += step;
        TensorPrimitives.FusedMultiplyAdd(_matrix.AsSpan(column * _size, _size), step, _product, _product);
    }
}
