namespace LoraOps.Runtime.Calibrating;

/// <summary>How far a tensor left the range that it had on the base's calibration data.</summary>
/// <param name="Tensor">Its name.</param>
/// <param name="Ratio">Its largest magnitude over that of the base; infinite where the base's is zero and its own is not.</param>
/// <param name="Clipped">The share of its values that lies beyond what was observed of the base.</param>
/// <param name="IsUnchanged">True if it is computed as in the base, so that only the data can have moved it.</param>
public sealed record RangeDrift(string Tensor, double Ratio, double Clipped, bool IsUnchanged)
{
    /// <summary>A larger ratio asks for a range of its own.</summary>
    public const double MostRatio = 1.1;

    /// <summary>A larger share asks for a range of its own.</summary>
    public const double MostClipped = 1e-4;

    /// <summary>True if the base's range would not do.</summary>
    public bool IsLarge => Ratio > MostRatio || Clipped > MostClipped;
}
