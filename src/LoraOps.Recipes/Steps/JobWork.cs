using System.Diagnostics;
using LoraOps.Bundles;
using LoraOps.Problems;
using LoraOps.Recipes.Caching;
using LoraOps.Runtime.Parity;

namespace LoraOps.Recipes.Steps;

/// <summary>What became of an adapter's conversion.</summary>
/// <param name="Manifest">Its result; null if it failed.</param>
/// <param name="Problems">Why it failed, or which limits it missed.</param>
/// <param name="Elapsed">Each chip's share of its time.</param>
internal sealed record Conversion(BundleManifest? Manifest, IReadOnlyList<Problem> Problems, TimeSpan Elapsed);

/// <summary>Takes each step's result from the cache or does the step; a step that fails becomes a row of the report.</summary>
internal sealed class JobWork(Plan plan)
{
    private readonly OutputFolder _output = plan.Output;

    /// <summary>Converts an adapter.</summary>
    public Conversion Convert(PlannedAdapter adapter, CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        try
        {
            var manifest = _output.Find(adapter.Key) ?? new ConvertStep(plan).Run(adapter, stop);
            return new Conversion(manifest, manifest.Missed(adapter.Recipe.Name), watch.Elapsed / adapter.Jobs.Count);
        }
        catch (LoraOpsException wrong)
        {
            return new Conversion(null, wrong.Problems, watch.Elapsed / adapter.Jobs.Count);
        }
    }

    /// <summary>Quantizes and publishes a converted adapter for a chip.</summary>
    public JobReport Finish(PlannedAdapter adapter, PlannedJob job, Conversion converted, CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        var row = new JobReport { Adapter = adapter.Recipe.Name, Chip = job.Chip.Name, Status = JobStatus.Failed };
        try
        {
            row = Finish(row, adapter, job, converted, stop);
        }
        catch (LoraOpsException wrong)
        {
            row = row with { Problems = wrong.Problems };
        }

        return row with { Elapsed = converted.Elapsed + watch.Elapsed };
    }

    private JobReport Finish(JobReport row, PlannedAdapter adapter, PlannedJob job, Conversion converted, CancellationToken stop)
    {
        if (converted.Manifest is not { } merged)
            return row with { Problems = converted.Problems };

        if (converted.Problems.Count > 0)
            return Filled(row, merged) with { Status = JobStatus.GateFailed, Problems = converted.Problems };

        var known = _output.Find(job.Key);
        var manifest = known ?? new QuantizeStep(plan).Run(adapter, job, merged, stop);
        row = Filled(row, manifest);
        return manifest.Missed(job.Name) is { Count: > 0 } missed
            ? row with { Status = JobStatus.GateFailed, Problems = missed }
            : row with { Status = Publish(job, known is not null), Bundle = job.Destination };
    }

    private JobStatus Publish(PlannedJob job, bool isKnown)
    {
        if (_output.IsPublished(job.Name, job.Key))
            return isKnown ? JobStatus.UpToDate : JobStatus.Built;

        _output.Publish(job.Name, job.Key);
        return isKnown ? JobStatus.Restored : JobStatus.Built;
    }

    private static JobReport Filled(JobReport row, BundleManifest manifest) => row with
    {
        BaseAccuracy = manifest.Least(ConvertStep.Adapted, "reference-accuracy"),
        AdapterAccuracy = manifest.Least(ConvertStep.Adapted, "accuracy"),
        ConversionError = manifest.Greatest(ConvertStep.Converted, "max-abs"),
        QuantizedAccuracy = manifest.Least(QuantizeStep.Quantized, "accuracy"),
        Cosine = manifest.Least(QuantizeStep.Quantized, "cosine"),
        Sqnr = manifest.Least(QuantizeStep.Quantized, "sqnr"),
        DeltaCosine = manifest.Least(QuantizeStep.Quantized, Metrics.DeltaCosine),
        EffectCosine = manifest.Least(QuantizeStep.Quantized, Metrics.EffectCosine),
        EffectRatio = manifest.Least(QuantizeStep.Quantized, Metrics.EffectRatio),
        Bytes = manifest.Quantization is null ? null : manifest.Bytes(),
        FloatBytes = manifest.Quantization?.FloatBytes ?? manifest.Bytes(),
        IntegerKernels = manifest.Quantization?.Layers?.IntegerKernels,
        Proofs = manifest.Parity,
        Breaches = manifest.Findings,
        Files = manifest.Files,
        Findings = [.. manifest.Findings.Select(finding => $"{finding.Rule}: {finding.Where}: {finding.What}. {finding.Advice}")],
    };
}
