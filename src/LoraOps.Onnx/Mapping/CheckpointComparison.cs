using System.Globalization;
using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>Compares what a graph stores with the checkpoint that it was exported from.</summary>
public sealed class CheckpointComparison(Checkpoint checkpoint, OnnxModel model)
{
    private readonly Checkpoint _checkpoint = checkpoint;
    private readonly OnnxModel _model = model;

    /// <summary>The base's own value of a parameter, or null if it has none under any of the module's names.</summary>
    public Tensor? Find(IReadOnlyList<ModuleName> aliases, string parameter)
    {
        foreach (var alias in aliases)
        {
            if (_checkpoint.Find(alias.Parameter(parameter)) is { } tensor)
                return tensor;
        }

        // Task heads wrap the bare model: 'h.0.attn' in the file may be 'transformer.h.0.attn' in the adapter.
        var suffixed = _checkpoint.Names
            .Where(name => aliases.Any(alias => ModulePath.Compare(alias.Parameter(parameter), name) == NameMatch.Suffix)).ToList();
        return suffixed.Count == 1 ? _checkpoint.Find(suffixed[0]) : null;
    }

    /// <summary>What is wrong with a stored vector, or null if it holds the base's values.</summary>
    public string? Difference(Tensor named, TensorProto stored)
    {
        var mine = _model.Read(stored);
        if (named.Shape.ElementCount != mine.Shape.ElementCount || !named.Type.IsNumeric())
            return $"the base's '{named.Name}' is {named.Type.Name()} {named.Shape}, not {mine.Shape}";

        var values = named.ToFloats();
        return TooFar(LargestDifference(values, mine.ToFloats()), values, mine.Type, named.Name);
    }

    /// <summary>What is wrong with a mapped weight, or null if the base holds the same values in either orientation.</summary>
    public string? Difference(IReadOnlyList<ModuleName> aliases, WeightUse use)
    {
        var stored = StoredWeight.Read(_model, use);
        if (Find(aliases, "weight") is not { } tensor)
        {
            // A tied head has no name of its own in the file: then the values alone must be there.
            return _checkpoint.Names.Select(_checkpoint.Find).OfType<Tensor>().Any(other => Distance(other, use, stored) is null)
                ? null
                : "the base has no tensor of that name, and none with these values";
        }

        return Distance(tensor, use, stored);
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

        return TooFar(difference, values, OnnxTensor.TypeOf(use.Tensor.DataType), tensor.Name);
    }

    // Half-precision exports round each value once; anything more is another weight.
    private static string? TooFar(float difference, float[] values, ElementType? type, string name)
    {
        var tolerance = type == ElementType.F32 ? 1e-6f : 1e-2f;
        var scale = values.Length == 0 ? 0 : values.Max(Math.Abs);
        return difference <= tolerance * Math.Max(1e-30f, scale)
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"they differ from '{name}' by up to {difference:g3}");
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
