using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Calibrating;

/// <summary>
/// Finds the ranges of a float model's tensors on samples. Every sample goes through the model once; what is kept of a tensor has one size,
/// however many samples there are, and samples may have different shapes.
/// </summary>
public static class Calibration
{
    /// <summary>
    /// Runs the model with no graph optimisation, one thread a run, several runs at once, with the tensors as its only outputs: nodes that none
    /// of them needs are not run. The ranges are the same with any number of threads.
    /// </summary>
    /// <param name="model">The float model; left as it is.</param>
    /// <param name="tensors">Names of float tensors in the main graph: inputs, initializers, outputs of nodes.</param>
    /// <param name="data">Calibration samples.</param>
    /// <param name="settings">How ranges are chosen.</param>
    /// <param name="samplesDone">Told how many samples have been through, ever more; one call at a time.</param>
    /// <param name="stop">Looked at between two runs.</param>
    /// <exception cref="LoraOpsException">The data do not fit, or a tensor becomes NaN or infinite (all are named).</exception>
    /// <exception cref="OperationCanceledException">The caller wants to stop.</exception>
    public static CalibratedRanges Run(
        OnnxModel model, IReadOnlyList<string> tensors, SampleSet data, CalibrationSettings settings, Action<int>? samplesDone, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(settings);
        settings.Check();
        var threads = settings.Threads == 0 ? Environment.ProcessorCount : settings.Threads;
        var meters = new TensorMeters(tensors.Distinct(StringComparer.Ordinal), settings);
        var computed = meters.MeasureStored(model);
        if (computed.Count > 0)
        {
            using var session = OnnxSession.Open(ExposedModel.Of(model, computed), SessionSettings.Lean);
            if (session.Check(data) is { Count: > 0 } problems)
                throw new LoraOpsException(problems);

            var runs = SampleRun.Cut(session, data, oneByOne: settings.MovingAverage is not null);
            new CalibrationPass(session, computed, meters, settings.MovingAverage is not null).Run(runs, threads, samplesDone, stop);
        }

        var faults = meters.Faults(model.Path, data.Path);
        return faults.Count == 0 ? new CalibratedRanges(meters.Choose(threads), data.Count) : throw new LoraOpsException(faults);
    }
}
