using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Readers.Samples;

namespace LoraOps.Runtime.Calibrating;

/// <summary>Where the ranges of a model come from: from samples, from a file, or from the file of its base as far as that holds.</summary>
public sealed record CalibrationPlan
{
    /// <summary>How ranges are chosen from samples.</summary>
    public CalibrationSettings Settings { get; init; } = new();

    /// <summary>All ranges come from here, no sample is looked at; null for none.</summary>
    public RangeFile? Ranges { get; init; }

    /// <summary>What an adapter did not change comes from here; null for none.</summary>
    public RangeFile? BaseRanges { get; init; }

    /// <summary>Finds the ranges.</summary>
    /// <param name="prepared">The float model.</param>
    /// <param name="tensors">The tensors whose ranges are wanted.</param>
    /// <param name="data">Samples; null only where <see cref="Ranges"/> are given.</param>
    /// <param name="samplesDone">Told how many samples have been through.</param>
    /// <param name="stop">Looked at between two runs of the model.</param>
    /// <exception cref="LoraOpsException">A file is of another model, the data do not fit, or a tensor becomes NaN or infinite.</exception>
    /// <exception cref="ArgumentException">There are neither samples nor ranges.</exception>
    public CalibratedRanges Run(
        OnnxModel prepared, IReadOnlyList<string> tensors, SampleSet? data, Action<int>? samplesDone, CancellationToken stop)
    {
        if (Ranges is { } file)
            return file.For(prepared, tensors);

        if (data is null)
            throw new ArgumentException("Calibration needs samples or ranges.", nameof(data));

        return BaseRanges is { } origin
            ? RangeReuse.Cone(origin, prepared, tensors, data, Settings, samplesDone, stop)
            : Calibration.Run(prepared, tensors, data, Settings, samplesDone, stop);
    }
}
