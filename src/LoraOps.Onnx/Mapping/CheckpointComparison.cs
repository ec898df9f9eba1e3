using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>Compares what a graph stores with the checkpoint that it was exported from.</summary>
public sealed class CheckpointComparison(Checkpoint checkpoint, OnnxModel model)
{
    private readonly Checkpoint _checkpoint = checkpoint;
    private readonly OnnxModel _model = model;

    /// <summary>What is wrong with a mapped weight, or null if the base holds the same values in either orientation.</summary>
    public string? Difference(IReadOnlyList<ModuleName> aliases, WeightUse use)
    {
        var stored = StoredWeight.Read(_model, use);
        if (Named(aliases) is not { } tensor)
        {
            // A tied head has no name of its own in the file: then the values alone must be there.
            return _checkpoint.Names.Select(_checkpoint.Find).OfType<Tensor>().Any(other => Distance(other, use, stored) is null)
                ? null
                : "the base has no tensor of that name, and none with these values";
        }

        return Distance(tensor, use, stored);
    }

    private Tensor? Named(IReadOnlyList<ModuleName> aliases)
    {
        foreach (var alias in aliases)
        {
            if (_checkpoint.Find(alias.Parameter("weight")) is { } tensor)
                return tensor;
        }

        // Task heads wrap the bare model: 'h.0.attn' in the file may be 'transformer.h.0.attn' in the adapter.
        var suffixed = _checkpoint.Names.Where(name => name.EndsWith(".weight", StringComparison.Ordinal)
            && aliases.Any(alias => ModulePath.Compare(alias.Parameter("weight"), name) == NameMatch.Suffix)).ToList();
        return suffixed.Count == 1 ? _checkpoint.Find(suffixed[0]) : null;
    }

    private static string? Distance(Tensor tensor, WeightUse use, float[] stored)
    {
        var isSame = tensor.Shape.Equals(use.Shape);
        var isFlipped = tensor.Shape.Rank == 2 && tensor.Shape[0] == use.Shape[-1] && tensor.Shape[1] == use.Shape[0] && use.Shape.Rank == 2;
        if ((!isSame && !isFlipped) || !tensor.Type.IsNumeric())
            return $"the base's '{tensor.Name}' is {tensor.Type.Name()} {tensor.Shape}, not {use.Shape}";

        var values = tensor.ToFloats();
        var difference = isSame ? LargestDifference(values, stored) : float.PositiveInfinity;
        if (difference != 0 && isFlipped)
        {
            var flipped = StoredWeight.Transpose(values, (int)tensor.Shape[0], (int)tensor.Shape[1]);
            difference = Math.Min(difference, LargestDifference(flipped, stored));
        }

        // Half-precision exports round each value once; anything more is another weight.
        var tolerance = use.Tensor.DataType == (int)Proto.TensorProto.Types.DataType.Float ? 1e-6f : 1e-2f;
        return difference <= tolerance * Math.Max(1e-30f, values.Max(Math.Abs))
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"they differ from '{tensor.Name}' by up to {difference:g3}");
    }

    private static float LargestDifference(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var largest = 0f;
        for (var i = 0; i < a.Length; i++)
        {
            var difference = Math.Abs(a[i] - b[i]);
            if (!(difference <= largest))
                largest = float.IsNaN(difference) ? float.PositiveInfinity : difference;
        }

        return largest;
    }
}
