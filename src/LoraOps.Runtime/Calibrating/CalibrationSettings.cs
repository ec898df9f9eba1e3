namespace LoraOps.Runtime.Calibrating;

/// <summary>How the ranges of activations are found.</summary>
public sealed record CalibrationSettings
{
    /// <summary>The fewest bins that a search is worth anything with.</summary>
    public const int FewestBins = 2048;

    /// <summary>The most bins: two tables of this many counts are kept for each tensor.</summary>
    public const int MostBins = 1 << 16;

    /// <summary>The share of values, in percent, that the percentile calibrator keeps.</summary>
    public const double DefaultPercentile = 99.999;

    /// <summary>Chooses a range from what was seen.</summary>
    public Calibrator Calibrator { get; init; } = Calibrators.MinMax;

    /// <summary>The share of values in percent that lies inside the range of <see cref="Calibrators.Percentile"/>; above 50 to 100.</summary>
    public double Percentile { get; init; } = DefaultPercentile;

    /// <summary>At least so many bins between zero and the largest magnitude, and at most twice as many.</summary>
    public int Bins { get; init; } = FewestBins;

    /// <summary>
    /// The weight c of a moving average of the samples' extremes, new = old + c·(sample − old), above 0 to 1, or null for the extremes of all
    /// samples. Only for <see cref="Calibrators.MinMax"/>; the result then depends on the order of the samples.
    /// </summary>
    public double? MovingAverage { get; init; }

    /// <summary>How many runs of the model go on at once; 0 for one per core. The ranges do not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>The codes that the range will be spread over.</summary>
    public CodeLevels Codes { get; init; } = CodeLevels.Asymmetric8;

    /// <summary>True if counts are kept even where the calibrator needs none, so that shares can be told.</summary>
    public bool KeepsCounts { get; init; }

    /// <summary>Refuses settings that mean nothing.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A number is outside its limits.</exception>
    /// <exception cref="ArgumentException">A moving average is asked of a calibrator that looks at all values together.</exception>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Bins, FewestBins);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Bins, MostBins);
        ArgumentOutOfRangeException.ThrowIfNegative(Threads);
        ArgumentOutOfRangeException.ThrowIfLessThan(Codes.Count, 2);
        if (!(Percentile is > 50 and <= 100))
            throw new ArgumentOutOfRangeException(nameof(Percentile), Percentile, "A share above 50 to 100 percent is wanted.");

        if (MovingAverage is not (null or (> 0 and <= 1)))
            throw new ArgumentOutOfRangeException(nameof(MovingAverage), MovingAverage, "A weight above 0 to 1 is wanted.");

        if (MovingAverage is not null && Calibrator.NeedsCounts)
            throw new ArgumentException($"A moving average goes with minmax, not with {Calibrator.Name}.");
    }
}
