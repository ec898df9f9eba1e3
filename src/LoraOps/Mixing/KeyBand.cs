namespace LoraOps.Mixing;

/// <summary>Where the key of a magnitude is searched.</summary>
/// <param name="Low">The lowest key.</param>
/// <param name="High">The highest key.</param>
/// <param name="Above">How many elements of the matrix have a higher key, if that has been counted.</param>
internal readonly record struct KeyBand(long Low, long High, long Above)
{
    /// <summary>Every key.</summary>
    public static KeyBand Whole { get; } = new(0, long.MaxValue, 0);

    /// <summary>True if only equal magnitudes are in it.</summary>
    public bool IsSingle => Low == High;
}
