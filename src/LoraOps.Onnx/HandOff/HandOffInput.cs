using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Readers.Samples;
using LoraOps.Tensors;

namespace LoraOps.Onnx.HandOff;

/// <summary>An input of the float model with the shape that it is compiled for.</summary>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Dims">Its dimensions; a free batch is 1, other free ones are those of the samples.</param>
/// <param name="IsFree">True if the graph leaves a dimension open.</param>
public sealed record HandOffInput(string Name, ElementType Type, IReadOnlyList<long> Dims, bool IsFree)
{
    /// <summary>The inputs that a caller must feed, in graph order.</summary>
    /// <param name="model">The float model.</param>
    /// <param name="samples">Where open dimensions other than the batch come from; without it they are 1.</param>
    public static IReadOnlyList<HandOffInput> Of(OnnxModel model, SampleSet? samples)
    {
        var stored = model.Graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        return [.. model.Graph.Input.Where(input => !stored.Contains(input.Name)).Select(input => Read(input, samples))];
    }

    /// <summary>The dimensions with something between them: <c>1x3x8x8</c>.</summary>
    public string Joined(string separator) =>
        string.Join(separator, Dims.Select(dim => dim.ToString(CultureInfo.InvariantCulture)));

    private static HandOffInput Read(ValueInfoProto input, SampleSet? samples)
    {
        var tensor = input.Type?.TensorType;
        var dims = tensor?.Shape?.Dim.Select(dim => dim.DimValue).ToArray() ?? [];
        var seen = samples?.Find(input.Name)?.Shape;
        var known = dims.Select((dim, at) => dim > 0 ? dim : at > 0 && seen?.Rank == dims.Length ? seen[at] : 1).ToArray();
        return new HandOffInput(
            input.Name, OnnxTensor.TypeOf(tensor?.ElemType ?? 0) ?? ElementType.F32, known, dims.Any(dim => dim <= 0));
    }
}
