using LoraOps.Bundles;
using LoraOps.Onnx.Chips;
using LoraOps.Problems;
using LoraOps.Recipes;
using LoraOps.Runtime.Parity;

namespace LoraOps.Cli.Reports.Checks;

/// <summary>The jobs of a recipe as checks: a suite for each adapter on each chip.</summary>
internal static class JobChecks
{
    private const string Bundled = "bundle";

    /// <summary>All of them.</summary>
    /// <param name="report">What came out.</param>
    /// <param name="recipe">The recipe's file, where a reader should look.</param>
    public static CheckList Of(Report report, string recipe)
    {
        var suites = report.Jobs.Select(job => new CheckSuite($"{job.Adapter}/{job.Chip}", recipe, [.. Of(job)])).ToList();
        var used = suites.SelectMany(suite => suite.Checks).Select(check => check.Rule).ToHashSet(StringComparer.Ordinal);
        return new CheckList(
            "run",
            [
                .. Metrics.All.Where(metric => used.Contains(metric.Name)).Select(metric => new CheckRule(metric.Name, metric.What, "", Outcome.Failed)),
                .. ChipRules.All.Where(rule => used.Contains(rule.Id)).Select(rule => new CheckRule(rule.Id, rule.Demand, rule.Advice, Outcome.Warned)),
                .. used.Contains(Bundled) ? [new CheckRule(Bundled, "the job's bundle is whole and published", "", Outcome.Failed)] : Array.Empty<CheckRule>(),
                .. ProblemChecks.Rules(report.Jobs.SelectMany(Others)),
            ],
            suites);
    }

    private static IEnumerable<Check> Of(JobReport job)
    {
        foreach (var (proof, gate) in job.Proofs.SelectMany(proof => proof.Gates.Select(gate => (proof, gate))))
            yield return Judged(job, proof, gate);

        foreach (var breach in job.Breaches)
        {
            yield return new Check(breach.Rule, $"{job.Chip} {breach.Rule}", breach.Severity == "error" ? Outcome.Failed : Outcome.Warned)
            {
                Where = breach.Where, What = breach.What, Advice = breach.Advice,
            };
        }

        foreach (var problem in Others(job))
            yield return ProblemChecks.Of(problem) with { Where = problem.Where.Length == 0 ? "" : ReportText.FileName(problem.Where) };

        yield return job.Bundle is { } bundle
            ? new Check(Bundled, Bundled, Outcome.Passed) { What = $"published as {ReportText.FileName(bundle)}" }
            : new Check(Bundled, Bundled, Outcome.Skipped) { What = "nothing was published, because something before it failed" };
    }

    // A gate that was missed has its own check already, with the same words.
    private static IEnumerable<Problem> Others(JobReport job) => job.Problems.Where(problem => problem.Code != ProblemCode.GateMissed);

    private static Check Judged(JobReport job, ManifestCheck proof, ManifestGate gate)
    {
        var metric = Gate.Parse(gate.Limit).Metric;
        var what = $"{metric} is {ParitySheet.Number(gate.Value)} against {proof.Reference}; the gate is {gate.Limit}";
        return new Check(metric, $"{proof.Step}: {gate.Limit}", gate.Passed ? Outcome.Passed : Outcome.Failed)
        {
            What = what,
            Advice = gate.Passed ? "" : job.Problems.FirstOrDefault(problem => problem.Code == ProblemCode.GateMissed)?.Advice ?? "",
        };
    }
}
