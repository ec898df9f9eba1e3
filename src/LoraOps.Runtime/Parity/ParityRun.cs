using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Parity;

/// <summary>What a parity run compares beside the outputs themselves.</summary>
public sealed record ParityOptions
{
    /// <summary>A file with a tensor <c>labels</c>; null takes the one among the inputs if there is one.</summary>
    public SampleSet? Labels { get; init; }

    /// <summary>The outputs to compare; null compares all.</summary>
    public IReadOnlyList<string>? Outputs { get; init; }
}

/// <summary>Runs a candidate beside its reference and measures the distance.</summary>
public static class ParityRun
{
    /// <summary>Measures every output over all samples, on one thread, batch by batch.</summary>
    /// <param name="candidatePath">The model to prove.</param>
    /// <param name="reference">What it must be near to.</param>
    /// <param name="inputs">Samples under the names of the model's inputs.</param>
    /// <param name="options">Labels, and which outputs.</param>
    /// <param name="stop">Looked at between two batches.</param>
    /// <exception cref="LoraOpsException">A model cannot run, or data, reference and labels do not fit together.</exception>
    /// <exception cref="OperationCanceledException">The caller wants to stop.</exception>
    public static ParityReport Measure(
        string candidatePath, ParityReference reference, SampleSet inputs, ParityOptions? options = null, CancellationToken stop = default)
    {
        using var candidate = OnnxSession.Open(candidatePath);
        return Measure(candidate, reference, inputs, options ?? new ParityOptions(), stop);
    }

    /// <summary>The same with a model that is loaded already.</summary>
    public static ParityReport Measure(
        OnnxSession candidate, ParityReference reference, SampleSet inputs, ParityOptions options, CancellationToken stop)
    {
        var outputs = candidate.Outputs.Where(output => options.Outputs?.Contains(output.Name) ?? true).ToList();
        List<Problem> problems = [.. candidate.Check(inputs), .. reference.Check(outputs, inputs)];
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        var meters = outputs.ToDictionary(output => output.Name, output => new OutputMeter(output.Name), StringComparer.Ordinal);
        var task = Task(candidate, options, inputs, outputs);
        var batches = new Batches(inputs.Count, Smaller(candidate.FixedBatch, reference.FixedBatch));
        foreach (var (first, count) in batches.Runs())
        {
            stop.ThrowIfCancellationRequested();
            var mine = candidate.Run(inputs, first, count);
            var theirs = reference.Read(outputs, inputs, first, count);
            foreach (var (name, meter) in meters)
            {
                var (x, y) = (mine[name], theirs[name]);
                if (!x.Shape.Equals(y.Shape))
                    throw new LoraOpsException(ParityProblems.ExpectationShape(reference.Path, name, Sample(y), Sample(x)));

                batches.Saw(x.Shape.ElementCount * 2);
                meter.Add(x.Shape, x.Values, y.Values);
                if (task?.Output == name)
                    task.Add(first, x.Shape, x.Values, y.Values);
            }
        }

        return new ParityReport(
            candidate.Path, reference.Path, inputs.Count, [.. outputs.Select(output => meters[output.Name].Result())], task?.Result());
    }

    private static TaskMeter? Task(OnnxSession candidate, ParityOptions options, SampleSet inputs, List<Port> outputs)
    {
        // A model that takes labels as an input computes a loss: they are no answer key for us.
        var isInput = candidate.Inputs.Any(input => input.Name == Labels.TensorName);
        var source = options.Labels ?? (inputs.Find(Labels.TensorName) is null || isInput ? null : inputs);
        if (source is null)
            return null;

        var labels = Labels.From(source, inputs);
        var scored = outputs.FirstOrDefault(output => labels.Fit(output.Dims.Count)) ?? throw labels.FitsNone();
        return new TaskMeter(scored.Name, labels);
    }

    private static string Sample(OutputBlock block) => new TensorShape(block.Shape.Dims[1..]).ToString();

    private static int? Smaller(int? one, int? other) => one is null || other < one ? other ?? one : one;
}
