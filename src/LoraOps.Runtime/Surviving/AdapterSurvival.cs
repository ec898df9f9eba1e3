using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Layers;
using LoraOps.Problems;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Preparing;

namespace LoraOps.Runtime.Surviving;

/// <summary>
/// Measures what quantization leaves of an adapter's change of each weight: ΔW = W' − W of the merged and the base model in float against
/// ΔQ of the dequantized weights. The projection of one on the other stays near 1 whatever the noise, because the base weights act as
/// dither; the cosine tells.
/// </summary>
public static class AdapterSurvival
{
    /// <summary>At or above this cosine the adapter stands out of the rounding: about 10 dB.</summary>
    public const double Kept = 0.9;

    /// <summary>Below this cosine the adapter is buried: its change is no larger than the rounding.</summary>
    public const double Buried = 0.6;

    /// <summary>Compares layer by layer; memory is bounded by the models and a few copies of the largest layer.</summary>
    /// <param name="models">The four models.</param>
    /// <param name="stop">Looked at between two layers.</param>
    /// <returns>One for each layer that the adapter changed, in graph order.</returns>
    /// <exception cref="LoraOpsException">The models are not of one origin.</exception>
    /// <exception cref="OperationCanceledException">The caller wants to stop.</exception>
    public static IReadOnlyList<ModuleSurvival> Measure(SurvivalModels models, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(models);
        var merged = LayerWeights.Find(GraphPreparation.Prepare(models.Merged));
        var plain = Named(LayerWeights.Find(GraphPreparation.Prepare(models.Plain)));
        var candidate = new LayerPairs(merged, LayerWeights.Find(models.Candidate));
        var quantized = models.PlainCandidate is { } model ? new LayerPairs([.. plain.Values], LayerWeights.Find(model)) : null;
        var names = new ModuleNames(models.Merged);
        var found = new List<ModuleSurvival>();
        foreach (var layer in merged)
        {
            stop.ThrowIfCancellationRequested();
            if (plain.GetValueOrDefault(layer.Name) is not { } origin || !origin.Shape.Equals(layer.Shape))
                throw new LoraOpsException(SurvivalProblems.OriginDiffers(models.Plain.Path, layer.Name, models.Merged.Path));

            var (after, before) = (layer.Values(), origin.Values());
            if (after.AsSpan().SequenceEqual(before))
                continue;

            var own = candidate.Find(layer, after)
                ?? throw new LoraOpsException(SurvivalProblems.LayerUnfound(models.Candidate.Path, layer.Name, models.Merged.Path));
            var mine = QuantizedLayer.Read(own, after);
            var theirs = quantized is null ? mine.Likewise(after, before) : QuantizedLayer.Read(
                quantized.Find(origin, before)
                    ?? throw new LoraOpsException(SurvivalProblems.LayerUnfound(models.PlainCandidate!.Path, layer.Name, models.Plain.Path)),
                before);
            found.Add(new LayerSurvival(after, before, (int)layer.Shape.RowLength).Measure(names.Of(layer), own.Name, mine, theirs));
        }

        return found.Count > 0 ? found : throw new LoraOpsException(SurvivalProblems.NothingChanged(models.Plain.Path, models.Merged.Path));
    }

    /// <summary>Adds what is left of the adapter in the weights to a report, where the request names the four models.</summary>
    /// <param name="report">What was measured of the outputs.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="stop">Looked at between two layers.</param>
    /// <exception cref="LoraOpsException">The models are not of one origin.</exception>
    public static ParityReport Complete(ParityReport report, ParityRequest request, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(request);

        // Of a form that has its adapter beside the layers the weights are the base's.
        if (request.Base is not { } origin || request.Reference is not { } reference || request.Adapters.Count > 0)
            return report;

        var candidate = OnnxModel.Load(report.Candidate);
        if (FormMetadata.Read(candidate) is not null)
            return report;

        var models = new SurvivalModels(
            OnnxModel.Load(reference), OnnxModel.Load(origin), candidate, request.BaseCandidate is { } other ? OnnxModel.Load(other) : null);
        return report with { Survival = (report.Survival ?? new SurvivalReport()) with { Modules = Measure(models, stop) } };
    }

    /// <summary>What a cosine says.</summary>
    public static SurvivalVerdict Judge(double cosine) =>
        cosine >= Kept ? SurvivalVerdict.Kept : cosine >= Buried ? SurvivalVerdict.Doubtful : SurvivalVerdict.Buried;

    private static Dictionary<string, LayerWeight> Named(IReadOnlyList<LayerWeight> layers) => layers
        .GroupBy(layer => layer.Name, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
}

/// <summary>The models that tell whether an adapter survived.</summary>
/// <param name="Merged">The float model with the adapter in its weights.</param>
/// <param name="Plain">The float model that it was merged into.</param>
/// <param name="Candidate">The quantized <paramref name="Merged"/>.</param>
/// <param name="PlainCandidate">
/// The quantized <paramref name="Plain"/>; null takes its weights as if they were quantized like the candidate's, with scales of their own.
/// </param>
public sealed record SurvivalModels(OnnxModel Merged, OnnxModel Plain, OnnxModel Candidate, OnnxModel? PlainCandidate);
