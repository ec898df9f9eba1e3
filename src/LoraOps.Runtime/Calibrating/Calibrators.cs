namespace LoraOps.Runtime.Calibrating;

/// <summary>The ways to choose ranges.</summary>
public static class Calibrators
{
    /// <summary>Every value that was seen.</summary>
    public static Calibrator MinMax { get; } = new MinMaxCalibrator();

    /// <summary>The least Kullback-Leibler divergence.</summary>
    public static Calibrator Entropy { get; } = new EntropyCalibrator();

    /// <summary>A share of the values.</summary>
    public static Calibrator Percentile { get; } = new PercentileCalibrator();

    /// <summary>The least squared error.</summary>
    public static Calibrator Mse { get; } = new MseCalibrator();

    /// <summary>All of them.</summary>
    public static IReadOnlyList<Calibrator> All { get; } = [MinMax, Entropy, Percentile, Mse];

    /// <summary>The one of this name, or null.</summary>
    public static Calibrator? Find(string name) => All.FirstOrDefault(calibrator => calibrator.Name == name);
}
