using LoraOps.Bundles;
using LoraOps.Cli.Reports.Checks;
using LoraOps.Cli.Reports.Html;
using LoraOps.Problems;
using LoraOps.Recipes;

namespace LoraOps.Cli.Tests.Reports;

/// <summary>A recipe's report of three jobs: one published, one with a missed gate, one that could not be done.</summary>
internal static class SampleRun
{
    /// <summary>The report with a stranger's name everywhere.</summary>
    public static Report Named(string name) => new(
        name,
        "out",
        [
            Job(name, "x64-vnni") with
            {
                Status = JobStatus.Built,
                Bundle = "out/shanghai-x64-vnni",
                Files = [new ManifestFile(name, 169456, new string('b', 64))],
            },
            Job(name, "orin-x") with
            {
                Status = JobStatus.GateFailed,
                Proofs = [Proof(passed: false)],
                Breaches = [new ManifestFinding("TRT-03", "warn", name, name, name)],
                Problems = [GateProblems.Missed(name, "cosine>=0.99", "cosine", 0.9, 0.09)],
            },
            Job(name, "sa8295") with
            {
                Status = JobStatus.Failed, QuantizedAccuracy = null, Cosine = null, Sqnr = null, Bytes = null, Proofs = [],
                Problems = [FileProblems.FileMissing(name)],
            },
        ],
        TimeSpan.FromSeconds(3));

    /// <summary>Its page.</summary>
    public static string Page(string name) => RunPage.Write(Named(name), JobChecks.Of(Named(name), "recipe.yaml"));

    private static JobReport Job(string name, string chip) => new()
    {
        Adapter = name,
        Chip = chip,
        Status = JobStatus.Built,
        BaseAccuracy = 0.51,
        AdapterAccuracy = 0.92,
        QuantizedAccuracy = 0.918,
        Cosine = 0.9997,
        Sqnr = 32.3,
        Bytes = 169456,
        Proofs = [Proof(passed: true)],
    };

    private static ManifestCheck Proof(bool passed) =>
        new("quantize", "merged model", 500, [new ManifestMetric("cosine", 0.9997)], [new ManifestGate("cosine>=0.99", passed ? 0.9997 : 0.9, passed)]);
}
