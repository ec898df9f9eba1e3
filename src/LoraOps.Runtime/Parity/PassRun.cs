using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Parity;

/// <summary>One pass of a measurement; everything that keeps it from running was looked for.</summary>
internal sealed class PassRun
{
    private readonly OnnxSession _candidate;
    private readonly ParityPass _pass;
    private readonly IReadOnlyList<Port> _outputs;
    private readonly IReadOnlyList<(string Output, Labels Labels)?> _scored;

    /// <summary>Finds the labels.</summary>
    /// <exception cref="LoraOpsException">They are wrong.</exception>
    public PassRun(OnnxSession candidate, ParityPass pass, IReadOnlyList<Port> outputs, ParityOptions options)
    {
        (_candidate, _pass, _outputs) = (candidate, pass, outputs);
        _scored = [.. pass.Sources.Select(source => Scored(candidate, source.Labels ?? options.Labels, source.Samples, outputs))];
    }

    /// <summary>Runs it batch by batch.</summary>
    /// <param name="all">Gets every sample.</param>
    /// <param name="parts">Each gets its own, if there are several.</param>
    /// <param name="stop">Looked at between two batches.</param>
    public void Measure(PartMeter all, IReadOnlyDictionary<ParityPart, PartMeter> parts, CancellationToken stop)
    {
        // A chip sees one sample at a time: where neighbours would change it, it is measured alone, unless mixing them is the point.
        var alone = _candidate.MixesSamples && _pass.Rows.Count == 0 ? 1 : (int?)null;
        var batches = new Batches(_pass.Inputs.Count, Smaller(_candidate.FixedBatch ?? alone, _pass.Sources[0].Reference.FixedBatch));
        foreach (var (first, count) in batches.Runs())
        {
            stop.ThrowIfCancellationRequested();
            var mine = _candidate.Run(_pass.Inputs, first, count, _pass.Adapter);
            batches.Saw(mine.Values.Sum(block => block.Shape.ElementCount * 2));
            foreach (var (source, sample, number, row) in Pieces(first, count))
            {
                var (part, samples, reference) = _pass.Sources[source];
                var theirs = reference.Read(_outputs, samples, sample, number);
                var values = _outputs.ToDictionary(
                    output => output.Name,
                    output => Paired(reference, output.Name, mine[output.Name], theirs[output.Name], row),
                    StringComparer.Ordinal);
                var piece = new MeteredPiece(part, reference.Path, sample, number) { Scored = _scored[source], Values = values };
                foreach (var meter in parts.Count > 1 ? [all, parts[part]] : new[] { all })
                    meter.Add(piece);

                if (_pass.Sources[source].Origins is { } origins)
                    AddEffect(origins, piece, samples, parts.Count > 1 ? [all, parts[part]] : [all]);
            }
        }
    }

    private void AddEffect(EffectOrigins origins, MeteredPiece piece, SampleSet samples, PartMeter[] meters)
    {
        var plain = origins.Reference.Read(_outputs, samples, piece.First, piece.Count);
        var mine = ReferenceEquals(origins.Candidate, origins.Reference) ? plain : origins.Candidate.Read(_outputs, samples, piece.First, piece.Count);
        foreach (var (name, (after, reference)) in piece.Values)
        {
            Paired(origins.Reference, name, after, plain[name], null);
            Paired(origins.Candidate, name, after, mine[name], null);
            foreach (var meter in meters)
                meter.AddEffect(name, origins.What, (after.Values, mine[name].Values), (reference.Values, plain[name].Values));
        }
    }

    // Of one source a whole batch at once; of several sample by sample, and where each lies in the batch.
    private IEnumerable<(int Source, int Sample, int Count, int? Row)> Pieces(int first, int count) => _pass.Rows.Count == 0
        ? [(0, first, count, null)]
        : Enumerable.Range(0, count).Select(row => (_pass.Rows[first + row].Source, _pass.Rows[first + row].Sample, 1, (int?)row));

    private (OutputBlock Mine, OutputBlock Theirs) Paired(ParityReference reference, string name, OutputBlock mine, OutputBlock theirs, int? row)
    {
        var wanted = theirs.Shape.Dims[1..];
        var isSame = mine.Shape.Dims[1..].SequenceEqual(wanted) || (_pass.Pads && OutputCorner.Holds(mine, wanted));
        if (!isSame)
            throw new LoraOpsException(ParityProblems.ExpectationShape(reference.Path, name, Sample(theirs), Sample(mine)));

        return (row is { } at ? OutputCorner.Of(mine, at, wanted) : mine, theirs);
    }

    private static (string Output, Labels Labels)? Scored(OnnxSession candidate, SampleSet? given, SampleSet inputs, IReadOnlyList<Port> outputs)
    {
        // A model that takes labels as an input computes a loss: they are no answer key for us.
        var isInput = candidate.Inputs.Any(input => input.Name == Labels.TensorName);
        var source = given ?? (inputs.Find(Labels.TensorName) is null || isInput ? null : inputs);
        if (source is null)
            return null;

        var labels = Labels.From(source, inputs);
        var scored = outputs.FirstOrDefault(output => labels.Fit(output.Dims.Count)) ?? throw labels.FitsNone();
        return (scored.Name, labels);
    }

    private static string Sample(OutputBlock block) => new TensorShape(block.Shape.Dims[1..]).ToString();

    private static int? Smaller(int? one, int? other) => one is null || other < one ? other ?? one : one;
}
