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
        Measure(candidate, [ParityPass.Of(new ParitySource(new ParityPart("", ""), inputs, reference))], options, stop);

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
        var problems = passes.SelectMany(pass => candidate.Check(pass.Inputs).Concat(pass.Sources
            .SelectMany(source => source.Reference.Check(outputs, source.Samples).Concat(Check(source.Origins, outputs, source.Samples))))).Distinct().ToList();
        if (problems.Count > 0)
            throw new LoraOpsException(problems);

        var all = new PartMeter(outputs);
        var parts = new OrderedDictionary<ParityPart, PartMeter>();
        foreach (var source in passes.SelectMany(pass => pass.Sources))
            parts.TryAdd(source.Part, new PartMeter(outputs));

        foreach (var pass in passes)
            new PassRun(candidate, pass, outputs, options).Measure(all, parts, stop);

        var report = all.Result(candidate.Path);
        return parts.Count == 1
            ? Named(report, parts.GetAt(0).Key)
            : report with { Parts = [.. parts.Select(part => Named(part.Value.Result(candidate.Path), part.Key))] };
    }

    private static IEnumerable<Problem> Check(EffectOrigins? origins, IReadOnlyList<Port> outputs, SampleSet samples) =>
        origins is null ? [] : origins.Candidate.Check(outputs, samples).Concat(origins.Reference.Check(outputs, samples));

    private static ParityReport Named(ParityReport report, ParityPart part) =>
        report with { Adapter = part.Adapter, Against = part.Against, Domain = part.Domain };
}
