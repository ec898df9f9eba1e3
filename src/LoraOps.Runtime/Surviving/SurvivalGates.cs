using LoraOps.Runtime.Parity;

namespace LoraOps.Runtime.Surviving;

/// <summary>The limits that hold where an adapter could be measured and nobody set others.</summary>
public static class SurvivalGates
{
    /// <summary>No layer may bury the adapter; between this and <see cref="AdapterSurvival.Kept"/> the outputs decide.</summary>
    public static Gate Delta { get; } = new(Metrics.DeltaCosine, ">=", AdapterSurvival.Buried);

    /// <summary>The adapter does to the outputs what it did in float.</summary>
    public static Gate Effect { get; } = new(Metrics.EffectCosine, ">=", 0.9);

    /// <summary>The given gates, and the default ones of what was measured and has no gate.</summary>
    /// <param name="gates">What the user wants.</param>
    /// <param name="report">What was measured.</param>
    public static IReadOnlyList<Gate> Complete(IReadOnlyList<Gate> gates, ParityReport report)
    {
        ArgumentNullException.ThrowIfNull(gates);
        ArgumentNullException.ThrowIfNull(report);
        return
        [
            .. gates,
            .. new[] { Delta, Effect }.Where(gate => gates.All(set => set.Metric != gate.Metric)
                && Metrics.Find(gate.Metric)!.Read(report).Concat(report.Parts.SelectMany(Metrics.Find(gate.Metric)!.Read)).Any()),
        ];
    }
}
