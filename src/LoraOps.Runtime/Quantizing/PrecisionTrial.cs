using LoraOps.Onnx.Chips;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;
using LoraOps.Readers.Samples;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Sessions;

namespace LoraOps.Runtime.Quantizing;

/// <summary>A float model that is quantized again and again, each time with other precisions, and held against itself.</summary>
internal sealed class PrecisionTrial(
    OnnxModel prepared, QuantizationRequest request, IReadOnlyDictionary<string, TensorRange> ranges, QuantizationSettings settings) : IDisposable
{
    private readonly ParityReference _reference = ParityReference.FromModel(prepared);

    /// <summary>The nodes that are quantized, in graph order.</summary>
    public IReadOnlyList<string> Nodes { get; } = StaticQuantizer.QuantizedNodes(prepared, request.Chip, settings);

    /// <summary>The operator of each node.</summary>
    public IReadOnlyDictionary<string, string> Operators { get; } = prepared.Graph.Node
        .GroupBy(RuleScope.NameOf, StringComparer.Ordinal)
        .ToDictionary(group => group.Key, group => group.First().OpType, StringComparer.Ordinal);

    /// <summary>The chip's precisions above the first, cheapest first.</summary>
    public IEnumerable<LayerPrecision> Higher => request.Chip.Precisions.Skip(1);

    /// <summary>The settings with these nodes in that precision.</summary>
    public QuantizationSettings With(IEnumerable<string> nodes, LayerPrecision precision) => With(settings, nodes, precision);

    /// <summary>Other settings with these nodes in that precision.</summary>
    public static QuantizationSettings With(QuantizationSettings settings, IEnumerable<string> nodes, LayerPrecision precision)
    {
        var precisions = new Dictionary<string, LayerPrecision>(settings.Precisions, StringComparer.Ordinal);
        foreach (var node in nodes)
            precisions[node] = precision;

        return settings with { Precisions = precisions };
    }

    /// <summary>Quantizes and measures.</summary>
    public ParityReport Measure(QuantizationSettings trial, SampleSet samples, ParityOptions options, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var quantization = request.Quantize(prepared, ranges, trial with { IsTrial = true });
        using var candidate = OnnxSession.Open(quantization.Model);
        return ParityRun.Measure(candidate, _reference, samples, options, stop);
    }

    /// <inheritdoc/>
    public void Dispose() => _reference.Dispose();
}
