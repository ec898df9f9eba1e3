namespace LoraOps.Cli.Reports.Charts;

/// <summary>The one scale of every drawing of signal to noise, so that they can be compared: 0 to 60 dB.</summary>
internal static class DecibelScale
{
    /// <summary>The right end; what is better, infinite included, lies there.</summary>
    public const double Most = 60;

    /// <summary>Where a guide is drawn: the house's limits for activations and for weights.</summary>
    public static IReadOnlyList<double> Guides { get; } = [20, 30];

    /// <summary>A place between 0 and 1; null where there is no number.</summary>
    public static double? Place(double? decibels) => decibels is not { } value || double.IsNaN(value) ? null : Math.Clamp(value / Most, 0, 1);
}
