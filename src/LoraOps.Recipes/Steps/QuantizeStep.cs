using LoraOps.Bundles;
using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Runtime.Auditing;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Quantizing;

namespace LoraOps.Recipes.Steps;

/// <summary>Quantizes a merged model for a chip, checks it by the chip's rules, and holds it against the merged model.</summary>
internal sealed class QuantizeStep(Plan plan)
{
    /// <summary>The comparison with the merged model.</summary>
    public const string Quantized = "quantize";

    /// <summary>Does the step and keeps its result under the job's key.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="job">The chip.</param>
    /// <param name="merged">What the conversion gave.</param>
    /// <param name="stop">Looked at between batches.</param>
    public BundleManifest Run(PlannedAdapter adapter, PlannedJob job, BundleManifest merged, CancellationToken stop)
    {
        using var scratch = plan.Output.Scratch(job.Key);
        var source = Path.Combine(plan.Output.EntryOf(adapter.Key), ConvertStep.ModelName);
        var target = scratch[ConvertStep.ModelName];
        var data = adapter.Recipe.Calibration.Open();
        var request = new QuantizationRequest
        {
            Chip = job.Chip,
            Calibration = data,
            Calibrating = new CalibrationPlan { Settings = plan.Recipe.Calibrating },
            Recovery = plan.Recipe.Recovery,
            Goal = plan.Recipe.Until.Count > 0 ? new PrecisionGoal(plan.Recipe.Until, adapter.Recipe.Evaluation.Open()) : null,
            HandsOff = true,
        };
        var outcome = QuantizationRun.Run(OnnxModel.Load(source), request, WorkStages.Silent, stop);
        var quantization = outcome.Quantization;
        quantization.Model.Save(target);
        var handOff = HandOffs.Write(outcome.HandOff(request, ConvertStep.ModelName), scratch.Path);
        stop.ThrowIfCancellationRequested();
        var manifest = merged with
        {
            Name = job.Name,
            Chip = new ManifestChip(job.Chip.Name, job.Chip.Digest),
            Quantization = new ManifestQuantization("static", request.Calibrating.Settings.Calibrator.Name, job.Calibration, data.Count)
            {
                Layers = new ManifestLayers(
                    quantization.Nodes.Count(node => node.IsQuantized),
                    quantization.Nodes.Count(node => !node.IsQuantized),
                    FusionAudit.Count(quantization.Model).IntegerNodes),
                FloatBytes = merged.Bytes(),
            },
            Parity = [.. merged.Parity, new QuantizedProof(plan).Run(adapter, job, request, (source, target), stop)],
            Findings = [.. quantization.Findings.Concat(handOff.Findings).Select(Finding)],
            Compile = handOff.Commands.Count > 0 ? handOff.Commands : null,
        };
        return StageEntry.Keep(plan.Output, job.Key, scratch, manifest);
    }

    private static ManifestFinding Finding(Finding finding) =>
        new(finding.RuleId, finding.Severity.ToString().ToLowerInvariant(), finding.Where, finding.What, finding.Advice);
}
