namespace LoraOps.Onnx.Rounding;

/// <summary>
/// Moves single codes of a row by one as long as that lowers the error of the layer's outputs. The error falls with each move, so the result
/// is never worse than the start.
/// </summary>
internal static class CodeDescent
{
    private const int MostSweeps = 30;

    // A gain below this part of the error is rounding noise.
    private const double Least = 1e-12;

    /// <summary>Improves codes in place.</summary>
    /// <param name="layer">The weights.</param>
    /// <param name="row">The row.</param>
    /// <param name="codes">Its codes.</param>
    /// <param name="bounds">The codes that each column may have.</param>
    /// <param name="matrix">H of the row's group.</param>
    /// <returns>The error that is left.</returns>
    public static double Run(RoundingLayer layer, int row, Span<int> codes, CodeBounds bounds, double[] matrix)
    {
        var error = RowError.Of(layer, row, codes, matrix);
        var floor = Least * error.Value / Math.Max(1, codes.Length);
        for (var sweep = 0; sweep < MostSweeps; sweep++)
        {
            var moved = false;
            for (var column = 0; column < codes.Length; column++)
                moved |= TryMove(layer.Scale(row, column), column, codes, bounds, error, floor);

            if (!moved)
                break;
        }

        return RowError.Of(layer, row, codes, matrix).Value;
    }

    private static bool TryMove(
        double scale, int column, Span<int> codes, CodeBounds bounds, RowError error, double floor)
    {
        var up = codes[column] < bounds.High[column] ? error.Change(column, scale) : 0;
        var down = codes[column] > bounds.Low[column] ? error.Change(column, -scale) : 0;
        var best = Math.Min(up, down);
        if (best >= -floor)
            return false;

        var direction = up <= down ? 1 : -1;
        codes[column] += direction;
        error.Move(column, direction * scale);
        return true;
    }
}
