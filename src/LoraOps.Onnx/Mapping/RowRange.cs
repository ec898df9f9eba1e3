namespace LoraOps.Onnx.Mapping;

/// <summary>Consecutive output rows of a weight in PyTorch's layout.</summary>
/// <param name="First">The first row.</param>
/// <param name="Count">How many, from 1.</param>
public readonly record struct RowRange(long First, long Count)
{
    /// <summary>The row behind the last one.</summary>
    public long End => First + Count;
}
