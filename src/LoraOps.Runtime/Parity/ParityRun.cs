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
        OnnxSession candidate, ParityReference reference, SampleSet inputs, ParityOptions options, CancellationToken stop) =>
        Measure(candidate, [new ParityPass(inputs, reference, [new ParityPart("", "")])], options, stop);

    /// <summary>Measures several adapters of one model: over everything, and over the samples of each.</summary>
    /// <param name="candidate">The model to prove.</param>
    /// <param name="passes">What is run, one after another.</param>
    /// <param name="options">Labels, and which outputs.</param>
    /// <param name="stop">Looked at between two batches.</param>
    /// <exception cref="LoraOpsException">The model cannot run, or data, reference and labels do not fit together.</exception>
    /// <exception cref="OperationCanceledException">The caller wants to stop.</exception>
    public static ParityReport Measure(
        OnnxSession candidate, IReadOnlyList<ParityPass> passes, ParityOptions options, CancellationToken stop = default)
    {
        var outputs = candidate.Outputs.Where(output => options.Outputs?.Contains(output.Name) ?? true).ToList();
        var problems = passes.SelectMany(pass => candidate.Check(pass.Inputs).Concat(pass.Reference.Check(outputs, pass.Inputs))).ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        var all = new PartMeter(outputs);
        var parts = new OrderedDictionary<ParityPart, PartMeter>();
        foreach (var part in passes.SelectMany(pass => pass.Parts))
            parts.TryAdd(part, new PartMeter(outputs));

        foreach (var pass in passes)
            Measure(candidate, pass, outputs, options, (all, parts), stop);

        var report = all.Result(candidate.Path);
        return parts.Count == 1
            ? Named(report, parts.GetAt(0).Key)
            : report with { Parts = [.. parts.Select(part => Named(part.Value.Result(candidate.Path), part.Key))] };
    }

    private static ParityReport Named(ParityReport report, ParityPart part) => report with { Adapter = part.Adapter, Against = part.Against };

    private static void Measure(
        OnnxSession candidate,
        ParityPass pass,
        List<Port> outputs,
        ParityOptions options,
        (PartMeter All, OrderedDictionary<ParityPart, PartMeter> Parts) meters,
        CancellationToken stop)
    {
        var scored = Scored(candidate, options, pass.Inputs, outputs);
        var batches = new Batches(pass.Inputs.Count, Smaller(candidate.FixedBatch, pass.Reference.FixedBatch));
        foreach (var (first, count) in batches.Runs())
        {
            stop.ThrowIfCancellationRequested();
            var mine = candidate.Run(pass.Inputs, first, count, pass.Adapter);
            var theirs = pass.Reference.Read(outputs, pass.Inputs, first, count);
            var values = outputs.ToDictionary(
                output => output.Name, output => Paired(pass.Reference, output.Name, mine[output.Name], theirs[output.Name]), StringComparer.Ordinal);
            batches.Saw(values.Values.Sum(pair => pair.Mine.Shape.ElementCount * 2));
            meters.All.Add(pass.Reference.Path, scored, first, count, values);
            if (meters.Parts.Count > 1)
                AddParts(pass, meters.Parts, scored, (first, count), values);
        }
    }

    private static void AddParts(
        ParityPass pass,
        OrderedDictionary<ParityPart, PartMeter> parts,
        (string Output, Labels Labels)? scored,
        (int First, int Count) batch,
        Dictionary<string, (OutputBlock Mine, OutputBlock Theirs)> values)
    {
        if (pass.Sources.Count == 0)
        {
            parts[pass.Parts[0]].Add(pass.Reference.Path, scored, batch.First, batch.Count, values);
            return;
        }

        for (var row = 0; row < batch.Count; row++)
        {
            var one = values.ToDictionary(pair => pair.Key, pair => (Row(pair.Value.Mine, row), Row(pair.Value.Theirs, row)), StringComparer.Ordinal);
            parts[pass.Parts[pass.Sources[batch.First + row]]].Add(pass.Reference.Path, scored, batch.First + row, 1, one);
        }
    }

    private static OutputBlock Row(OutputBlock block, int row)
    {
        var length = (int)block.Shape.RowLength;
        return new OutputBlock(new TensorShape([1, .. block.Shape.Dims[1..]]), block.Values[(row * length)..((row + 1) * length)]);
    }

    private static (OutputBlock Mine, OutputBlock Theirs) Paired(ParityReference reference, string name, OutputBlock mine, OutputBlock theirs) =>
        mine.Shape.Equals(theirs.Shape)
            ? (mine, theirs)
            : throw new LoraOpsException(ParityProblems.ExpectationShape(reference.Path, name, Sample(theirs), Sample(mine)));

    private static (string Output, Labels Labels)? Scored(OnnxSession candidate, ParityOptions options, SampleSet inputs, List<Port> outputs)
    {
        // A model that takes labels as an input computes a loss: they are no answer key for us.
        var isInput = candidate.Inputs.Any(input => input.Name == Labels.TensorName);
        var source = options.Labels ?? (inputs.Find(Labels.TensorName) is null || isInput ? null : inputs);
        if (source is null)
            return null;

        var labels = Labels.From(source, inputs);
        var scored = outputs.FirstOrDefault(output => labels.Fit(output.Dims.Count)) ?? throw labels.FitsNone();
        return (scored.Name, labels);
    }

    private static string Sample(OutputBlock block) => new TensorShape(block.Shape.Dims[1..]).ToString();

    private static int? Smaller(int? one, int? other) => one is null || other < one ? other ?? one : one;
}
