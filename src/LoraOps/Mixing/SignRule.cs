namespace LoraOps.Mixing;

/// <summary>Which of the two signs a singular vector has: the entry of largest magnitude is positive, of equal ones the first.</summary>
internal static class SignRule
{
    // Magnitudes that are equal in exact arithmetic differ by rounding; those of vectors of real weights differ by much more.
    private const double Equal = 1e-10;

    /// <summary>Turns columns that have the other sign.</summary>
    /// <param name="vectors">[rows, columns] row-major, a vector in each column.</param>
    /// <param name="columns">How many.</param>
    public static void TurnColumns(double[] vectors, int columns)
    {
        for (var column = 0; column < columns; column++)
            Turn(vectors, column, columns, vectors.Length / columns);
    }

    /// <summary>Turns rows that have the other sign.</summary>
    /// <param name="vectors">[rows, columns] row-major, a vector in each row.</param>
    /// <param name="columns">The length of each.</param>
    public static void TurnRows(double[] vectors, int columns)
    {
        for (var at = 0; at < vectors.Length; at += columns)
            Turn(vectors, at, 1, columns);
    }

    private static void Turn(double[] vectors, int first, int step, int length)
    {
        var largest = 0.0;
        for (var at = 0; at < length; at++)
            largest = Math.Max(largest, Math.Abs(vectors[first + (at * step)]));

        var found = 0;
        while (Math.Abs(vectors[first + (found * step)]) < largest * (1 - Equal))
            found++;

        if (vectors[first + (found * step)] >= 0)
            return;

        for (var at = 0; at < length; at++)
            vectors[first + (at * step)] = -vectors[first + (at * step)];
    }
}
