using System.Globalization;
using LoraOps.Bundles;
using LoraOps.Problems;
using LoraOps.Runtime.Parity;

namespace LoraOps.Recipes.Steps;

/// <summary>A measured comparison as manifests keep it, and the questions that a report asks it.</summary>
internal static class Proof
{
    /// <summary>Keeps what was measured, and judges the gates.</summary>
    /// <param name="step">The step that it closes.</param>
    /// <param name="reference">What it was held against, without a folder.</param>
    /// <param name="report">What was measured.</param>
    /// <param name="gates">The limits.</param>
    /// <exception cref="LoraOpsException">A gate's metric was not measured.</exception>
    public static ManifestCheck Of(string step, string reference, ParityReport report, IReadOnlyList<Gate> gates)
    {
        var isOne = report.Outputs.Count == 1;
        var metrics = Metrics.All.SelectMany(metric => metric.Read(report)
            .Select(pair => new ManifestMetric(metric.Name, Rounded(pair.Value)) { Output = isOne ? null : pair.Output }))
            .Where(metric => metric.Name != Metrics.DeltaCosine);
        var modules = (report.Survival?.Modules ?? [])
            .Select(module => new ManifestMetric(Metrics.DeltaCosine, Rounded(module.DeltaCosine)) { Output = module.Module });
        return new ManifestCheck(
            step, reference, report.Samples, [.. metrics, .. modules],
            [.. GateResult.Judge(gates, report).Select(result => new ManifestGate(result.Gate.ToString(), result.Measured, result.Passed))]);
    }

    /// <summary>The smallest value of a metric over all outputs, or null if it was not measured.</summary>
    public static double? Least(this BundleManifest manifest, string step, string metric) =>
        manifest.Values(step, metric).Cast<double?>().Min();

    /// <summary>The greatest value of a metric over all outputs, or null if it was not measured.</summary>
    public static double? Greatest(this BundleManifest manifest, string step, string metric) =>
        manifest.Values(step, metric).Cast<double?>().Max();

    /// <summary>The gates that were missed, by how much.</summary>
    public static IReadOnlyList<Problem> Missed(this BundleManifest manifest, string candidate) =>
    [
        .. from check in manifest.Parity
           from gate in check.Gates
           where !gate.Passed
           let limit = Gate.Parse(gate.Limit)
           let beyond = limit.Operator[0] == '>' ? limit.Limit - gate.Value : gate.Value - limit.Limit
           select Metrics.IsOfSurvival(limit.Metric)
               ? SurvivalProblems.AdapterBuried(candidate, gate.Limit, Where(check, limit.Metric), $"{check.Step}: {limit.Metric}", gate.Value)
               : GateProblems.Missed(candidate, gate.Limit, $"{check.Step}: {limit.Metric}", gate.Value, beyond),
    ];

    // The layer that holds least of it; of an effect the outputs.
    private static string Where(ManifestCheck check, string metric) => check.Metrics.Where(measured => measured.Name == metric)
        .MinBy(measured => double.IsNaN(measured.Value) ? double.NegativeInfinity : measured.Value) is { Output: { } place } ? $"'{place}'" : "its outputs";

    // Six digits are what the measurement bears: further ones change with the CPU's vector width and say nothing.
    private static double Rounded(double value) =>
        double.Parse(value.ToString("G6", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static IEnumerable<double> Values(this BundleManifest manifest, string step, string metric) =>
        manifest.Parity.Where(check => check.Step == step).SelectMany(check => check.Metrics)
            .Where(measured => measured.Name == metric).Select(measured => measured.Value);
}
