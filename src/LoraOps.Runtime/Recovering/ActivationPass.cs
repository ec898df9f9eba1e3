using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Recovering;

/// <summary>Runs a model over samples and shows values from inside it, batch by batch: memory is bounded by one batch.</summary>
internal static class ActivationPass
{
    /// <summary>Shows each batch of each value, in the order of the samples; the batches do not depend on the machine.</summary>
    /// <param name="model">Left as it is; run as written, on one thread.</param>
    /// <param name="values">Names of float values of the main graph.</param>
    /// <param name="data">The samples.</param>
    /// <param name="show">Gets the name, the samples that the batch holds, and the elements.</param>
    /// <param name="stop">Looked at between two batches.</param>
    /// <exception cref="LoraOpsException">The data do not fit.</exception>
    public static void Run(
        OnnxModel model, IReadOnlyCollection<string> values, SampleSet data, OutputVisitor show, CancellationToken stop)
    {
        var names = values.Distinct(StringComparer.Ordinal).ToList();
        if (names.Count == 0)
            return;

        using var session = OnnxSession.Open(Exposed(model, names), SessionSettings.AsWritten);
        if (session.Check(data) is { Count: > 0 } problems)
            throw new LoraOpsException(problems);

        var batches = new Batches(data.Count, session.FixedBatch);
        foreach (var (first, count) in batches.Runs())
        {
            stop.ThrowIfCancellationRequested();
            session.Visit(data, first, count, names, (name, shape, elements) =>
            {
                batches.Saw(elements.Length);
                show(name, shape, elements);
            });
        }
    }

    private static OnnxModel Exposed(OnnxModel model, List<string> names)
    {
        var exposed = model.Clone();
        var outputs = exposed.Graph.Output.Select(output => output.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var name in names.Where(outputs.Add))
            exposed.Graph.Output.Add(new ValueInfoProto { Name = name });

        return exposed;
    }
}
