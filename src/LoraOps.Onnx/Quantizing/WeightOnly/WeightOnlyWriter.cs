using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Problems;

namespace LoraOps.Onnx.Quantizing.WeightOnly;

/// <summary>Replaces layers by ones with quantized weights; equal uses of a weight share it.</summary>
internal sealed class WeightOnlyWriter(OnnxModel model, WeightOnlySettings settings)
{
    private readonly NodeReplacements _replacements = new(model);
    private readonly Dictionary<string, StoredBlocks> _stored = new(StringComparer.Ordinal);
    private readonly List<string> _read = [];

    /// <summary>Replaces a layer.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="entry">What is known of it.</param>
    /// <param name="problems">Receives a problem if the weight is not finite.</param>
    public QuantizedNode Write(WeightedNode layer, QuantizedNode entry, List<Problem> problems)
    {
        if (Stored(layer, problems) is not { } weight)
            return entry;

        var nodes = _replacements.Replace(layer.Node);
        if (settings.BlockSize == 0)
            ChannelDequantizing.Read(layer, weight, _replacements, nodes);
        else if (settings.Format == WeightFormat.NBits)
            NBitsProduct.Read(layer, weight, settings, _replacements, nodes);
        else
            BlockedDequantizing.Read(layer, weight, _replacements, nodes);

        return entry with { WeightAxis = settings.BlockSize == 0 ? layer.OutputAxis : -1, WeightScales = weight.Values };
    }

    /// <summary>Puts everything in its place.</summary>
    public void Finish()
    {
        _replacements.Finish(_read);
        if (settings is { BlockSize: > 0, Format: WeightFormat.NBits } && model.Opset("com.microsoft") == 0)
            model.Proto.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
    }

    private StoredBlocks? Stored(WeightedNode layer, List<Problem> problems)
    {
        var key = $"{layer.Node.Input[1]}\n{layer.OutputAxis}\n{BitConverter.SingleToInt32Bits(layer.Node.Float("alpha", 1))}";
        if (settings.ChooseCodes is null && _stored.TryGetValue(key, out var known))
            return known;

        var before = problems.Count;
        var values = MatrixLayers.Read(model, layer, problems);
        if (problems.Count > before)
            return null;

        _read.Add(layer.Node.Input[1]);
        var blocked = Quantize(values, layer);
        return _stored[key] = settings.BlockSize == 0 ? ChannelDequantizing.Store(layer, blocked, _replacements)
            : settings.Format == WeightFormat.NBits ? NBitsProduct.Store(layer, blocked, _replacements)
            : BlockedDequantizing.Store(layer, blocked, _replacements);
    }

    private BlockedWeight Quantize(float[] values, WeightedNode layer)
    {
        var dims = layer.Weight!.Dims;
        var rows = checked((int)dims[layer.OutputAxis]);
        var columns = values.Length / rows;
        var matrix = dims.Count == 2 ? MatrixLayers.Oriented(values, layer, outputsFirst: true) : values;
        var grid = new BlockGrid(rows, columns, settings.BlockSize == 0 ? columns : settings.BlockSize, settings.Bits, settings.IsAsymmetric)
        {
            // A negative scale is legal for MatMulNBits only; other compilers refuse it.
            AllowsNegativeScales = settings is { BlockSize: > 0, Format: WeightFormat.NBits },
        };
        var blocked = BlockSearch.Quantize(matrix, grid, settings.Search);
        return settings.ChooseCodes?.Invoke(layer, blocked) is { } chosen ? blocked.With(chosen) : blocked;
    }
}

/// <summary>A weight that lies in the graph, by the names of its constants.</summary>
/// <param name="Grid">How it is cut.</param>
/// <param name="Codes">Its codes.</param>
/// <param name="Scales">Its scales.</param>
/// <param name="Zeros">Its zero points, or null.</param>
/// <param name="Values">The scales themselves.</param>
internal sealed record StoredBlocks(BlockGrid Grid, string Codes, string Scales, string? Zeros, float[] Values);
