namespace LoraOps.Onnx.Mapping;

/// <summary>Consecutive output rows of a weight in PyTorch's layout.</summary>
/// <param name="First">The first row.</param>
/// <param name="Count">How many, from 1.</param>
public readonly record struct RowRange(long First, long Count)
{
    /// <summary>The row behind the last one.</summary>
    public long End => First + Count;

    /// <summary>True if ranges, each taken once, are all rows without a gap or an overlap.</summary>
    /// <param name="parts">The ranges, in any order.</param>
    /// <param name="rows">How many rows there are.</param>
    public static bool Tile(IEnumerable<RowRange> parts, long rows)
    {
        long at = 0;
        foreach (var part in parts.Distinct().OrderBy(part => part.First))
        {
            if (part.First != at)
                return false;

            at = part.End;
        }

        return at == rows;
    }
}
