using LoraOps.Bundles;
using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Quantizing;
using LoraOps.Runtime.Sessions;
using LoraOps.Runtime.Surviving;

namespace LoraOps.Recipes.Steps;

/// <summary>
/// Holds a quantized model against the merged one, and asks whether the adapter is still in it. What it is told from is the base, quantized
/// for the same chip on the adapter's own calibration data: only the adapter is different.
/// </summary>
internal sealed class QuantizedProof(Plan plan)
{
    /// <summary>Measures, and judges the recipe's gates and those that hold where none were set.</summary>
    /// <param name="adapter">The adapter.</param>
    /// <param name="job">The chip.</param>
    /// <param name="request">How the model was quantized.</param>
    /// <param name="files">The merged model and the quantized one.</param>
    /// <param name="stop">Looked at between batches.</param>
    public ManifestCheck Run(
        PlannedAdapter adapter, PlannedJob job, QuantizationRequest request, (string Merged, string Quantized) files, CancellationToken stop)
    {
        using var beside = plan.Output.Scratch($"{job.Key}-base");
        var origin = OnnxModel.Load(plan.Recipe.Model.Value);
        var quantized = Quantized(origin, request, stop);
        quantized?.Save(beside[ConvertStep.ModelName]);
        var report = Outputs(adapter, files, quantized is null ? null : beside[ConvertStep.ModelName], stop);
        var models = new SurvivalModels(OnnxModel.Load(files.Merged), origin, OnnxModel.Load(files.Quantized), quantized);
        report = report with { Survival = (report.Survival ?? new SurvivalReport()) with { Modules = AdapterSurvival.Measure(models, stop) } };
        return Proof.Of(QuantizeStep.Quantized, "merged model", report, SurvivalGates.Complete(plan.Recipe.GatesFor(job.Chip), report));
    }

    private ParityReport Outputs(PlannedAdapter adapter, (string Merged, string Quantized) files, string? quantizedOrigin, CancellationToken stop)
    {
        using var candidate = OnnxSession.Open(files.Quantized);
        using var parity = ParityPlan.Make(candidate, new ParityRequest
        {
            Reference = files.Merged,
            Inputs = adapter.Recipe.Evaluation.Open(),
            Base = plan.Recipe.Model.Value,
            BaseCandidate = quantizedOrigin,
        });
        return ParityRun.Measure(candidate, parity.Passes, new ParityOptions(), stop);
    }

    // A chip may take the merged model and not its base: then the effect is told from the base in float, which is harder to pass.
    private static OnnxModel? Quantized(OnnxModel origin, QuantizationRequest request, CancellationToken stop)
    {
        try
        {
            return QuantizationRun.Run(origin, request, WorkStages.Silent, stop).Quantization.Model;
        }
        catch (LoraOpsException)
        {
            return null;
        }
    }
}
