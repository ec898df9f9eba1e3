namespace LoraOps.Onnx.Rounding;

/// <summary>
/// Chooses for each weight between the code below and the code above so that the layer's outputs move least: AdaRound, Nagel et al. 2020
/// (arXiv 2004.10568). The relaxed problem is solved by descent over h(V) where that is affordable; single codes are then moved as long as
/// it helps, from there and from the nearest codes, and each row keeps the better end. No random numbers: the same input gives the same codes.
/// </summary>
public static class AdaptiveRounding
{
    /// <summary>The codes, [rows, columns], each of them one of the two beside its weight; no row is worse than by rounding to the nearest.</summary>
    /// <param name="layer">The weights and scales.</param>
    /// <param name="inputs">Σ x·xᵀ.</param>
    /// <param name="stop">Looked at between rows.</param>
    public static int[] Round(RoundingLayer layer, SecondMoment inputs, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(inputs);
        var codes = layer.Nearest();
        var steps = RelaxedRounding.Steps(layer);
        Parallel.For(0, layer.Rows, new ParallelOptions { CancellationToken = stop }, row =>
        {
            var matrix = inputs.Matrix(inputs.GroupOf(row, layer.Rows));
            var bounds = Bounds(layer, row);
            var best = codes.AsSpan(row * layer.Columns, layer.Columns);
            int[] relaxed = [.. best];
            if (steps > 0)
                RelaxedRounding.Run(layer, row, relaxed, bounds, matrix, steps);

            var fromRelaxed = CodeDescent.Run(layer, row, relaxed, bounds, matrix);
            var fromNearest = CodeDescent.Run(layer, row, best, bounds, matrix);
            if (fromRelaxed < fromNearest)
                relaxed.CopyTo(best);
        });
        return codes;
    }

    private static CodeBounds Bounds(RoundingLayer layer, int row)
    {
        var (low, high) = (new int[layer.Columns], new int[layer.Columns]);
        var values = layer.Row(row);
        for (var column = 0; column < low.Length; column++)
        {
            var nearest = layer.Nearest(row, column, values[column]);
            var above = layer.Real(row, column, nearest) - values[column];
            low[column] = above > 0 ? Math.Max(nearest - 1, layer.Codes.Low) : nearest;
            high[column] = above < 0 ? Math.Min(nearest + 1, layer.Codes.High) : nearest;
        }

        return new CodeBounds(low, high);
    }
}
