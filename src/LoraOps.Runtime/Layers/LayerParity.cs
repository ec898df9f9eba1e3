using LoraOps.Onnx.Forms;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Layers;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Calibrating;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Preparing;
using LoraOps.Runtime.Surviving;

namespace LoraOps.Runtime.Layers;

/// <summary>
/// Holds every layer with a weight of a quantized model against the float model: the weight, the one quantization of its input, and its
/// output with everything before it.
/// </summary>
public static class LayerParity
{
    /// <summary>Samples that are looked at, spread evenly over the data: every tensor of every layer is, so more would take long.</summary>
    public const int MostSamples = 64;

    /// <summary>Measures layer by layer; memory is bounded by the two models and the tensors of one run.</summary>
    /// <param name="reference">The float model.</param>
    /// <param name="candidate">What was quantized from it.</param>
    /// <param name="data">Samples of what the model will see.</param>
    /// <param name="stop">Looked at between two runs.</param>
    /// <returns>One for each layer of the float model, in graph order; embeddings, which compute nothing, are none.</returns>
    /// <exception cref="LoraOpsException">A model cannot run, or the data do not fit.</exception>
    /// <exception cref="OperationCanceledException">The caller wants to stop.</exception>
    public static IReadOnlyList<LayerReport> Measure(OnnxModel reference, OnnxModel candidate, SampleSet data, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(reference);
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(data);
        var prepared = GraphPreparation.Prepare(reference);
        var layers = Paired(prepared, candidate, stop);
        var found = layers.Where(layer => layer.Input is not null).ToList();
        if (found.Count == 0)
            return [.. layers.Select(layer => layer.Report(null))];

        var inputs = found.Select(layer => layer.Input!).Distinct().ToDictionary(input => input, input => new InputMeter(input));
        using var theirs = TensorProbe.Open(prepared, found.Select(layer => layer.Reference.Node.Output[0]));
        using var mine = TensorProbe.Open(candidate, found.SelectMany(Tensors));
        if (theirs.Session.Check(data).Concat(mine.Session.Check(data)).Distinct().ToList() is { Count: > 0 } problems)
            throw new LoraOpsException(problems);

        var byInput = inputs.ToLookup(pair => pair.Key.Tensor, pair => pair.Value, StringComparer.Ordinal);
        var byOutput = found.Where(layer => layer.Output is not null).ToLookup(layer => layer.Output!, StringComparer.Ordinal);
        foreach (var run in Runs(theirs, data))
        {
            stop.ThrowIfCancellationRequested();
            var wanted = new Dictionary<string, float[]>(StringComparer.Ordinal);
            theirs.Visit(run, (name, _, values) => wanted[name] = values.ToArray());
            mine.Visit(run, (name, _, values) =>
            {
                foreach (var meter in byInput[name])
                    meter.Add(values);

                foreach (var layer in byOutput[name])
                    layer.Errors.Add(values, wanted[layer.Reference.Node.Output[0]]);
            });
        }

        return [.. layers.Select(layer => layer.Report(layer.Input is null ? null : inputs[layer.Input]))];
    }

    /// <summary>Adds the layers to a report, where the request names two models of the same form.</summary>
    /// <param name="report">What was measured of the outputs.</param>
    /// <param name="request">What was asked for.</param>
    /// <param name="stop">Looked at between two runs.</param>
    /// <exception cref="LoraOpsException">A model cannot run.</exception>
    public static ParityReport Complete(ParityReport report, ParityRequest request, CancellationToken stop)
    {
        ArgumentNullException.ThrowIfNull(report);
        ArgumentNullException.ThrowIfNull(request);
        var data = request.Domains.Count > 0 ? SampleSet.Join([.. request.Domains.Select(domain => domain.Samples)]) : request.Inputs;
        if (request.Reference is not { } reference || data is null || request.Adapters.Count > 0)
            return report;

        var candidate = OnnxModel.Load(report.Candidate);
        return FormMetadata.Read(candidate) is null
            ? report with { Layers = Measure(OnnxModel.Load(reference), candidate, data, stop) }
            : report;
    }

    private static List<MeasuredLayer> Paired(OnnxModel prepared, OnnxModel candidate, CancellationToken stop)
    {
        var layers = LayerWeights.Find(prepared).Where(layer => !layer.Node.Is("Gather")).ToList();
        var pairs = new LayerPairs(layers, LayerWeights.Find(candidate));
        var index = new GraphIndex(candidate);
        var measured = new List<MeasuredLayer>();
        foreach (var layer in layers)
        {
            stop.ThrowIfCancellationRequested();
            var weight = layer.Values();
            var other = pairs.Find(layer, weight);
            if (other is null)
            {
                measured.Add(new MeasuredLayer(layer, null));
                continue;
            }

            var read = QuantizedLayer.Read(other, weight);
            measured.Add(new MeasuredLayer(layer, other)
            {
                WeightSqnr = DeltaSums.Of(read.Values, weight).Sqnr,
                Input = LayerInput.Of(candidate, index, other.Node),
                Output = read.MovesOutputs ? null : OutputOf(index, other.Node, layer.Node),
            });
        }

        return measured;
    }

    // A product of codes becomes the layer's output behind Cast, Mul with the scales, and Add of the bias that a Gemm or Conv has.
    private static string? OutputOf(GraphIndex index, NodeProto node, NodeProto original)
    {
        var at = node;
        if (node.Is("MatMulInteger", "ConvInteger"))
        {
            string[] steps = original.InputAt(2).Length > 0 ? ["Cast", "Mul", "Add"] : ["Cast", "Mul"];
            foreach (var step in steps)
            {
                if (index.Consumers(at) is not [var only] || !only.Node.Is(step))
                    return null;

                at = only.Node;
            }
        }

        return at.Output[0];
    }

    private static IEnumerable<string> Tensors(MeasuredLayer layer) =>
        layer.Output is { } output ? [layer.Input!.Tensor, output] : [layer.Input!.Tensor];

    private static IEnumerable<SampleRun> Runs(TensorProbe probe, SampleSet data)
    {
        var runs = SampleRun.Cut(probe.Session, data, oneByOne: true);
        var wanted = Math.Min(runs.Count, Math.Max(1, MostSamples / (probe.Session.FixedBatch ?? 1)));
        return Enumerable.Range(0, wanted).Select(i => runs[(int)((long)i * runs.Count / wanted)]);
    }
}
