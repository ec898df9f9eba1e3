namespace LoraOps.Mixing;

/// <summary>A matrix whose elements are in memory: one factor of a product where a method works on factors.</summary>
/// <param name="elements">[rows, columns] row-major</param>
/// <param name="rows">The rows.</param>
/// <param name="columns">The columns.</param>
internal sealed class HeldMatrix(double[] elements, int rows, int columns) : DeltaMatrix(rows, columns)
{
    /// <inheritdoc/>
    public override void Read(int first, Span<double> values) => elements.AsSpan(first * Columns, values.Length).CopyTo(values);
}
