using LoraOps.Onnx.Graphs;
using LoraOps.Problems;

namespace LoraOps.Runtime.Calibrating;

/// <summary>What is seen of some tensors while runs go on at once; what remains does not depend on which run comes first.</summary>
internal sealed class TensorMeters
{
    private readonly CalibrationSettings _settings;
    private readonly Dictionary<string, Meter> _meters;

    public TensorMeters(IEnumerable<string> names, CalibrationSettings settings)
    {
        _settings = settings;
        var bins = settings.Calibrator.NeedsCounts || settings.KeepsCounts ? settings.Bins : 0;
        _meters = names.ToDictionary(name => name, _ => new Meter(new TensorHistogram(bins)), StringComparer.Ordinal);
    }

    /// <summary>An initializer has its values already, and the runtime would not give it back as an output.</summary>
    /// <returns>The names of the others.</returns>
    public IReadOnlyList<string> MeasureStored(OnnxModel model)
    {
        var stored = model.Graph.Initializer.Where(tensor => _meters.ContainsKey(tensor.Name)).ToList();
        foreach (var tensor in stored)
            Add(tensor.Name, model.Read(tensor).ToFloats());

        return [.. _meters.Keys.Except(stored.Select(tensor => tensor.Name), StringComparer.Ordinal)];
    }

    /// <summary>Counts the values that a tensor has in one run.</summary>
    public void Add(string name, ReadOnlySpan<float> values)
    {
        var meter = _meters[name];
        lock (meter)
        {
            meter.Seen.Add(values);
        }
    }

    /// <summary>Takes the extremes of the runs into the moving average, in the order of the samples.</summary>
    /// <param name="extents">Of one run, by tensor.</param>
    public void Average(IReadOnlyDictionary<string, ValueExtent> extents)
    {
        foreach (var (name, extent) in extents.Where(pair => pair.Value.Min <= pair.Value.Max))
            _meters[name].Average(extent, _settings.MovingAverage ?? 1);
    }

    /// <summary>The faults of all tensors.</summary>
    public IReadOnlyList<Problem> Faults(string model, string data) =>
    [
        .. _meters.Where(pair => pair.Value.Seen.Fault is not null)
            .Select(pair => ParityProblems.ActivationNotFinite(model, pair.Key, pair.Value.Seen.Fault!, data)),
    ];

    /// <summary>The ranges, in the order of the names; the searches go on at once.</summary>
    public IReadOnlyList<CalibratedTensor> Choose(int threads)
    {
        var pairs = _meters.ToArray();
        var chosen = new CalibratedTensor[pairs.Length];
        Parallel.For(0, pairs.Length, new ParallelOptions { MaxDegreeOfParallelism = threads }, at =>
        {
            var (name, meter) = pairs[at];
            var range = meter.Averaged ?? (meter.Seen.Count == 0 ? meter.Seen.Observed : _settings.Calibrator.Choose(meter.Seen, _settings));
            chosen[at] = new CalibratedTensor(name, range, meter.Seen.Observed) { Seen = meter.Seen };
        });
        return chosen;
    }

    private sealed class Meter(TensorHistogram seen)
    {
        private (double Min, double Max)? _average;

        public TensorHistogram Seen { get; } = seen;

        public Onnx.Quantizing.TensorRange? Averaged => _average is { } range ? new((float)range.Min, (float)range.Max) : null;

        public void Average(ValueExtent extent, double weight) => _average = _average is { } old
            ? (old.Min + (weight * (extent.Min - old.Min)), old.Max + (weight * (extent.Max - old.Max)))
            : (extent.Min, extent.Max);
    }
}
