using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Readers.Safetensors;
using LoraOps.Tensors;

namespace LoraOps.Onnx.Mapping;

/// <summary>Compares what a graph stores with the checkpoint that it was exported from.</summary>
public sealed class CheckpointComparison(Checkpoint checkpoint, OnnxModel model)
{
    private readonly OnnxModel _model = model;

    /// <summary>What the checkpoint says of a module.</summary>
    public CheckpointWeights Weights { get; } = new(checkpoint);

    /// <summary>What is wrong with a stored vector, or null if it holds the base's values.</summary>
    /// <param name="named">The base's.</param>
    /// <param name="stored">The graph's.</param>
    /// <param name="part">The elements of the graph's vector to look at; null for all.</param>
    public string? Difference(Tensor named, TensorProto stored, RowRange? part)
    {
        var mine = _model.Read(stored);
        if (named.Shape.ElementCount != (part?.Count ?? mine.Shape.ElementCount) || !named.Type.IsNumeric() || !mine.Type.IsNumeric())
            return $"the base's '{named.Name}' is {named.Type.Name()} {named.Shape}, not {mine.Shape}";

        var values = new float[named.Shape.ElementCount];
        mine.ReadFloats(part?.First ?? 0, values);
        return TooFar(named.ToFloats(), values, mine.Type);
    }

    /// <summary>What is wrong with a mapped weight, or null if the base holds the same values in either orientation.</summary>
    public string? Difference(WantedWeight wanted, WeightPlace place)
    {
        if (place.Use.Codes is { } codes && !Dequantizing.Fits(_model, place.Use.Tensor, codes))
            return "it has other numbers of scales and zero points than its codes ask for";

        var stored = Stored(place);
        string? difference = null;
        foreach (var values in Weights.Values(wanted))
        {
            if (TooFar(PartOf(values, place, wanted), stored, place.Use) is not { } found)
                return null;

            difference ??= found;
        }

        if (difference is not null)
            return difference;

        if ((Weights.Find(wanted.Aliases, "weight") ?? Weights.Find(wanted.Aliases, "in_proj_weight")) is { } named)
            return $"the base's '{named.Name}' is {named.Type.Name()} {named.Shape}, not {wanted.Shape}";

        // A tied head has no name of its own in the file: then the values alone must be there.
        return Weights.Like(wanted.Shape).SelectMany(tensor => CheckpointWeights.Oriented(tensor, wanted.Shape))
            .Any(values => TooFar(PartOf(values, place, wanted), stored, place.Use) is null)
                ? null
                : "the base has no tensor of that name, and none with these values";
    }

    /// <summary>The rows of a node's weight that are the module's.</summary>
    public float[] Stored(WeightPlace place)
    {
        var values = StoredWeight.Read(_model, place.Use);
        return place.Rows is { } rows ? Slice(values, rows, place.Use.Shape).ToArray() : values;
    }

    private static ReadOnlySpan<float> PartOf(float[] values, WeightPlace place, WantedWeight wanted) =>
        place.Part is { } part ? Slice(values, part, wanted.Shape) : values;

    private static ReadOnlySpan<float> Slice(float[] values, RowRange rows, TensorShape shape) =>
        values.AsSpan((int)(rows.First * shape.RowLength), (int)(rows.Count * shape.RowLength));

    // A quantized weight may be one step off everywhere; half-precision exports round each value once; anything more is another weight.
    private string? TooFar(ReadOnlySpan<float> values, float[] stored, WeightUse use)
    {
        if (use.Codes is null)
            return TooFar(values, stored, OnnxTensor.TypeOf(use.Tensor.DataType));

        var steps = StoredWeight.Steps(_model, use);
        if (steps.Length != stored.Length)
            return TooFar(values, stored, default(ElementType?));

        for (var i = 0; i < stored.Length; i++)
        {
            if (!(Math.Abs(values[i] - stored[i]) <= steps[i]))
                return "they differ by more than one step of the quantization";
        }

        return null;
    }

    private static string? TooFar(ReadOnlySpan<float> values, ReadOnlySpan<float> stored, ElementType? type)
    {
        var tolerance = type == ElementType.F32 ? 1e-6f : 1e-2f;
        var scale = 0f;
        foreach (var value in values)
            scale = Math.Max(scale, Math.Abs(value));

        var difference = values.Length == stored.Length ? LargestDifference(values, stored) : float.PositiveInfinity;
        return difference <= tolerance * Math.Max(1e-30f, scale)
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"they differ from the base's by up to {difference:g3}");
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
