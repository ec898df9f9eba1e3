using LoraOps.Onnx.Graphs;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Calibrating;
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

        using var session = Open(model, names, data);
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

    /// <summary>Shows each batch of values of one model beside those of another one.</summary>
    /// <param name="left">A model and its values.</param>
    /// <param name="right">Another one and as many values.</param>
    /// <param name="data">The samples.</param>
    /// <param name="show">Gets the number of the pair, and what both models gave.</param>
    /// <param name="stop">Looked at between two batches.</param>
    public static void Compare(
        (OnnxModel Model, IReadOnlyList<string> Values) left,
        (OnnxModel Model, IReadOnlyList<string> Values) right,
        SampleSet data,
        Action<int, OutputBlock, OutputBlock> show,
        CancellationToken stop)
    {
        using var first = Open(left.Model, left.Values, data);
        using var second = Open(right.Model, right.Values, data);
        var batches = new Batches(data.Count, first.FixedBatch);
        foreach (var (at, count) in batches.Runs())
        {
            stop.ThrowIfCancellationRequested();
            var given = new Dictionary<string, OutputBlock>(StringComparer.Ordinal);
            first.Visit(data, at, count, left.Values, (name, shape, elements) =>
            {
                batches.Saw(2 * elements.Length);
                given[name] = new OutputBlock(shape, elements.ToArray());
            });
            var pair = 0;
            second.Visit(data, at, count, right.Values, (_, shape, elements) =>
                show(pair, given[left.Values[pair++]], new OutputBlock(shape, elements.ToArray())));
        }
    }

    private static OnnxSession Open(OnnxModel model, IReadOnlyList<string> names, SampleSet data)
    {
        var session = OnnxSession.Open(ExposedModel.Of(model, names), SessionSettings.AsWritten);
        if (session.Check(data) is not { Count: > 0 } problems)
            return session;

        session.Dispose();
        throw new LoraOpsException(problems);
    }
}
