using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Checks;

/// <summary>Gates as checks.</summary>
internal static class GateChecks
{
    private const string Advice = "Do not ship it: change the chip, the calibration data or the adapter, or loosen the gate knowingly.";

    /// <summary>The metrics that gates limit.</summary>
    public static IEnumerable<CheckRule> Rules(IReadOnlyList<GateResult> results) => Metrics.All
        .Where(metric => results.Any(result => result.Gate.Metric == metric.Name))
        .Select(metric => new CheckRule(metric.Name, metric.What, Advice, Outcome.Failed));

    /// <summary>A check for each gate. It is of the whole file: which output is worst may be another one in the next run.</summary>
    public static IEnumerable<Check> Of(IReadOnlyList<GateResult> results, string candidate) => results.Select(result =>
    {
        var problem = result.Problem(candidate);
        return new Check(result.Gate.Metric, result.Gate.ToString(), result.Passed ? Outcome.Passed : Outcome.Failed)
        {
            What = problem?.What ?? $"{result.Gate.Metric} of '{result.Output}' is {ParitySheet.Number(result.Measured)}: {ParitySheet.Margin(result)}",
            Advice = problem?.Advice ?? "",
        };
    });
}
