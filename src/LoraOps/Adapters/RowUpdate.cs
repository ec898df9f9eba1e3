namespace LoraOps.Adapters;

/// <summary>
/// A delta that is ready to change blocks of rows of one weight, in any order. Calls for different rows may run on different
/// threads at once.
/// </summary>
public abstract class RowUpdate
{
    /// <summary>Adds factor · ΔW to consecutive rows, or puts new values in their place if the delta replaces.</summary>
    /// <param name="first">The first row, a multiple of the delta's row group.</param>
    /// <param name="rows">[count, columns] row-major: the sum so far.</param>
    /// <param name="weight">The base weight's values of the same rows; empty unless the delta needs them.</param>
    /// <param name="factor">The adapter's weight in a weighted merge; 1 for a plain one.</param>
    public abstract void AddTo(long first, Span<float> rows, ReadOnlySpan<float> weight, float factor);
}
