namespace LoraOps.Onnx.Rounding;

/// <summary>Loops over rows that do not depend on one another: on all cores where that pays, with the same result in any case.</summary>
public static class Rows
{
    // Below so many operations the cores cost more than they give.
    private const long Worthwhile = 1 << 18;

    /// <summary>Calls <paramref name="body"/> for each row.</summary>
    /// <param name="first">The first row.</param>
    /// <param name="end">Behind the last row.</param>
    /// <param name="cost">Operations of one row.</param>
    /// <param name="body">Gets the row.</param>
    public static void For(int first, int end, long cost, Action<int> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        if ((end - first) * cost >= Worthwhile)
        {
            Parallel.For(first, end, body);
            return;
        }

        for (var row = first; row < end; row++)
            body(row);
    }
}
