using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.HandOff;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Preparing;
using LoraOps.Runtime.Recovering;

namespace LoraOps.Runtime.Quantizing;

/// <summary>The road from a float model to a quantized one: prepare, calibrate, quantize, check by the chip's rules.</summary>
public static class QuantizationRun
{
    /// <summary>Quantizes a copy of the model.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="stages">Told about each stage.</param>
    /// <param name="stop">Looked at between two stages and two batches.</param>
    /// <exception cref="LoraOpsException">The model, the data or the result is not as it must be.</exception>
    /// <exception cref="OperationCanceledException">The caller wants to stop.</exception>
    public static QuantizationOutcome Run(OnnxModel model, QuantizationRequest request, WorkStages stages, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(stages);
        ChipSchemes.Demand(request.Chip, request.SchemeName, model.Path);
        stages.Begin("preparing the model", 0);
        var prepared = GraphPreparation.Prepare(model);
        var settings = new QuantizationSettings { Precisions = request.Precisions };
        if (Obstacles(prepared, request) is { Count: > 0 } problems)
            throw new LoraOpsException(problems);

        var recovery = Recovery.For(prepared, request, stages);
        prepared = recovery.Balance(prepared, stop);
        settings = recovery.KeepFloat(prepared, settings);
        var isStatic = request.Scheme == QuantizationScheme.Static;
        var calibrated = isStatic ? Calibrate(prepared, request, stages, stop) : null;
        var ranges = calibrated?.Ranges ?? new Dictionary<string, TensorRange>(StringComparer.Ordinal);
        settings = isStatic ? recovery.Round(prepared, ranges, settings, stop) : settings;
        var choice = Choose(prepared, request, ranges, ref settings, stages, stop);
        var final = isStatic ? recovery.WithoutStale(prepared, ranges, settings) : settings;
        var corrected = isStatic ? recovery.Correct(prepared, model => StaticQuantizer.Quantize(model, request.Chip, ranges, final), stop) : prepared;
        stages.Begin("quantizing", 0);
        var quantization = request.Quantize(corrected, ranges, final);
        stop.ThrowIfCancellationRequested();
        return new QuantizationOutcome(Warned(quantization, choice), prepared, ranges)
        {
            Choice = choice,
            Calibrated = calibrated,
            Recovery = recovery.Report,
        };
    }

    private static Quantization Warned(Quantization quantization, PrecisionChoice? choice) => choice is null
        ? quantization
        : quantization with
        {
            Warnings = [.. quantization.Warnings, .. choice.OutOfReach.Select(problem => $"no layer was lifted: {problem.What}")],
        };

    // The nodes that the user named must be there, and the chip must have what they are to be.
    private static List<Problem> Obstacles(OnnxModel prepared, QuantizationRequest request)
    {
        if (request.Precisions.Count == 0)
            return [];

        var known = StaticQuantizer.QuantizedNodes(prepared, request.Chip);
        var allowed = request.Chip.Precisions;
        return
        [
            .. request.Precisions.Keys.Where(node => !known.Contains(node))
                .Select(node => QuantizingProblems.NodeNotQuantized(prepared.Path, node, NearMisses.Phrase(node, known))),
            .. request.Precisions.Where(pair => !allowed.Contains(pair.Value)).Select(pair => QuantizingProblems.PrecisionNotAllowed(
                request.Chip.Name, pair.Key, pair.Value.Name(), allowed.Select(precision => precision.Name()))),
        ];
    }

    private static PrecisionChoice? Choose(
        OnnxModel prepared,
        QuantizationRequest request,
        IReadOnlyDictionary<string, TensorRange> ranges,
        ref QuantizationSettings settings,
        WorkStages stages,
        CancellationToken stop)
    {
        var asked = request.TakesAsItComes || request.Calibration is not { } samples ? null : PrecisionGoal.Of(request.Chip, samples);
        if ((request.Goal ?? asked) is not { } goal)
            return null;

        using var trial = new PrecisionTrial(prepared, request, ranges, settings);
        PrecisionChoice choice;
        try
        {
            choice = new PrecisionSearch(trial, goal, stages, stop).Run();
        }
        catch (LoraOpsException wrong) when (request.Goal is null && wrong.Problems.All(problem => problem.Code == ProblemCode.GateOutOfReach))
        {
            // Nobody asked for it: a model whose outputs hold infinities by design reaches nothing.
            return new PrecisionChoice([], [], null, []) { OutOfReach = wrong.Problems };
        }

        foreach (var layer in choice.Lifted)
            settings = PrecisionTrial.With(settings, [layer.Node], layer.Precision);

        return choice;
    }

    private static CalibratedRanges Calibrate(OnnxModel prepared, QuantizationRequest request, WorkStages stages, CancellationToken stop)
    {
        var (plan, adapters) = (request.Calibrating, new AdapterCalibration(prepared, request));
        if (request.Calibration is null && request.Adapters.Count == 0 && plan.Ranges is null)
            throw new ArgumentException("Static quantization needs calibration samples or ranges.", nameof(request));

        if (adapters.Check() is { Count: > 0 } problems)
            throw new LoraOpsException(problems);

        var tensors = StaticQuantizer.TensorsToCalibrate(prepared, request.Chip, new QuantizationSettings { Precisions = request.Precisions });
        if (request.HandsOff)
            tensors = [.. tensors.Union(HandOffs.TensorsWanted(prepared, request.Chip), StringComparer.Ordinal)];

        var codes = plan with { Settings = plan.Settings with { Codes = CodeLevels.Of(request.Chip.Activations) } };
        if (plan.Ranges is { } file)
        {
            stages.Begin($"taking {tensors.Count} ranges from {file.Path}", 0);
            return codes.Run(prepared, tensors, null, null, stop);
        }

        return adapters.Run((model, data) =>
        {
            stages.Begin($"calibrating {tensors.Count} tensors on {data.Count} samples", data.Count);
            return codes.Run(model, tensors, data, stages.Reach, stop);
        });
    }
}
