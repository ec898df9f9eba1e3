using System.Numerics.Tensors;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Onnx.Quantizing;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Calibrating;

/// <summary>The smallest and largest value that each tensor takes over the samples: the range of MinMax calibration.</summary>
public static class MinMaxCalibrator
{
    /// <summary>
    /// Runs the model with no graph optimisation, on one thread, batch by batch, with the tensors as extra outputs.
    /// Memory is bounded by one batch.
    /// </summary>
    /// <param name="model">The float model; left as it is.</param>
    /// <param name="tensors">Names of float tensors in the main graph: inputs, initializers, outputs of nodes.</param>
    /// <param name="data">Calibration samples.</param>
    /// <param name="stop">Looked at between two batches.</param>
    /// <exception cref="LoraOpsException">The data do not fit, or a tensor becomes NaN or infinite (all are named).</exception>
    /// <exception cref="OperationCanceledException">The caller wants to stop.</exception>
    public static IReadOnlyDictionary<string, TensorRange> Calibrate(
        OnnxModel model, IReadOnlyList<string> tensors, SampleSet data, CancellationToken stop)
    {
        var names = tensors.Distinct(StringComparer.Ordinal).ToList();
        var meters = names.ToDictionary(name => name, _ => new RangeMeter(), StringComparer.Ordinal);
        var outputs = names.Except(MeasureStored(model, meters), StringComparer.Ordinal).ToList();
        using var session = OnnxSession.Open(Exposed(model, outputs), SessionSettings.AsWritten);
        if (session.Check(data) is { Count: > 0 } problems)
            throw new LoraOpsException(problems);

        var batches = new Batches(data.Count, session.FixedBatch);
        foreach (var (first, count) in batches.Runs())
        {
            stop.ThrowIfCancellationRequested();
            session.Visit(data, first, count, outputs, (name, _, values) =>
            {
                batches.Saw(values.Length);
                meters[name].Add(values);
            });
        }

        var broken = names.Where(name => meters[name].Fault is not null)
            .Select(name => ParityProblems.ActivationNotFinite(model.Path, name, meters[name].Fault!, data.Path)).ToList();
        return broken.Count == 0
            ? names.ToDictionary(name => name, name => meters[name].Range, StringComparer.Ordinal)
            : throw new LoraOpsException(broken);
    }

    // An initializer has its range already, and the runtime would not give it back as an output.
    private static List<string> MeasureStored(OnnxModel model, Dictionary<string, RangeMeter> meters)
    {
        var stored = model.Graph.Initializer.Where(initializer => meters.ContainsKey(initializer.Name)).ToList();
        foreach (var initializer in stored)
            meters[initializer.Name].Add(model.Read(initializer).ToFloats());

        return [.. stored.Select(initializer => initializer.Name)];
    }

    private static OnnxModel Exposed(OnnxModel model, List<string> names)
    {
        var exposed = model.Clone();
        var outputs = exposed.Graph.Output.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);
        var made = exposed.Graph.Input.Select(input => input.Name)
            .Concat(exposed.Graph.Node.SelectMany(node => node.Output)).ToHashSet(StringComparer.Ordinal);
        foreach (var name in names.Where(name => !outputs.Contains(name)))
        {
            if (!made.Contains(name))
                throw new ArgumentException($"The model has no tensor '{name}'.", nameof(names));

            // Without a type: the runtime infers it, so that half floats are taken as well.
            exposed.Graph.Output.Add(new ValueInfoProto { Name = name });
        }

        return exposed;
    }

    private sealed class RangeMeter
    {
        private float _min = float.PositiveInfinity;
        private float _max = float.NegativeInfinity;

        /// <summary>What a value was that has no place in a range, or null.</summary>
        public string? Fault { get; private set; }

        /// <summary>A tensor that never had an element is zero.</summary>
        public TensorRange Range => _min > _max ? new TensorRange(0, 0) : new TensorRange(_min, _max);

        public void Add(ReadOnlySpan<float> values)
        {
            if (values.IsEmpty || Fault is not null)
                return;

            // Both of these hand a NaN on.
            var min = TensorPrimitives.Min(values);
            var max = TensorPrimitives.Max(values);
            Fault = float.IsNaN(min) ? "NaN" : float.IsFinite(min) && float.IsFinite(max) ? null : "infinite";
            _min = Math.Min(_min, min);
            _max = Math.Max(_max, max);
        }
    }
}
