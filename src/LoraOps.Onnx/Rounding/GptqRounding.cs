using System.Numerics.Tensors;

namespace LoraOps.Onnx.Rounding;

/// <summary>
/// Rounds the columns one after another and spreads each column's error over those that are still to come, by the Cholesky factor of the
/// inverse of H = 2·Σ x·xᵀ. GPTQ, Frantar et al. 2022 (arXiv 2210.17323), with scales that stay as they are.
/// </summary>
public static class GptqRounding
{
    private const double Damping = 0.01;

    /// <summary>The codes, [rows, columns]; a row that came out worse than by rounding to the nearest keeps the nearest codes.</summary>
    /// <param name="layer">The weights and scales.</param>
    /// <param name="inputs">Σ x·xᵀ.</param>
    /// <param name="stop">Looked at between rows.</param>
    public static int[] Round(RoundingLayer layer, SecondMoment inputs, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(inputs);
        var factors = Enumerable.Range(0, inputs.Groups)
            .Select(group => InverseFactor.Of(inputs.Matrix(group), inputs.Columns, Damping)).ToArray();
        var codes = layer.Nearest();
        Parallel.For(0, layer.Rows, new ParallelOptions { CancellationToken = stop }, row =>
        {
            var group = inputs.GroupOf(row, layer.Rows);
            var best = codes.AsSpan(row * layer.Columns, layer.Columns);
            var spread = Spread(layer, row, factors[group]);
            if (inputs.Error(layer, row, spread) < inputs.Error(layer, row, best))
                spread.CopyTo(best);
        });
        return codes;
    }

    private static int[] Spread(RoundingLayer layer, int row, double[] factor)
    {
        var size = layer.Columns;
        var weights = new double[size];
        TensorPrimitives.ConvertTruncating(layer.Row(row), weights);
        var codes = new int[size];
        for (var column = 0; column < size; column++)
        {
            codes[column] = layer.Nearest(row, column, weights[column]);
            var line = factor.AsSpan((column * size) + column, size - column);
            var error = (layer.Real(row, column, codes[column]) - weights[column]) / line[0];
            var rest = weights.AsSpan(column + 1);
            TensorPrimitives.FusedMultiplyAdd(line[1..], error, rest, rest);
        }

        return codes;
    }
}
