using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Chips;

/// <summary>An input's dimension that is no number yet.</summary>
/// <param name="Input">The input.</param>
/// <param name="Axis">Which dimension.</param>
/// <param name="Symbol">What the model calls it; empty if it has no name.</param>
public readonly record struct OpenDimension(string Input, int Axis, string Symbol);

/// <summary>
/// The shapes of a model's values: those of its inputs and outputs, and of what a shape inference wrote down. Quantizing throws
/// the latter away, so the float model is asked as well.
/// </summary>
public sealed class ScopeShapes
{
    private readonly Dictionary<string, IReadOnlyList<long>> _shapes = new(StringComparer.Ordinal);
    private readonly List<ValueInfoProto> _inputs;

    /// <param name="model">The finished model.</param>
    /// <param name="source">The float model that it was made from, or null.</param>
    public ScopeShapes(OnnxModel model, OnnxModel? source)
    {
        var stored = model.Graph.Initializer.Select(tensor => tensor.Name).ToHashSet(StringComparer.Ordinal);
        _inputs = [.. model.Graph.Input.Where(input => !stored.Contains(input.Name))];
        foreach (var info in Infos(model).Concat(source is null ? [] : Infos(source)))
        {
            if (info.Type?.TensorType?.Shape is { } shape)
                _shapes.TryAdd(info.Name, [.. shape.Dim.Select(dim => dim.DimValue)]);
        }
    }

    /// <summary>Every value whose shape is known, by name; a dimension of 0 is open.</summary>
    public IEnumerable<KeyValuePair<string, IReadOnlyList<long>>> All => _shapes.OrderBy(entry => entry.Key, StringComparer.Ordinal);

    /// <summary>The dimensions of the inputs that are not fixed.</summary>
    public IEnumerable<OpenDimension> Open => _inputs.SelectMany(input => (input.Type?.TensorType?.Shape?.Dim ?? [])
        .Select((dim, axis) => (dim, axis))
        .Where(entry => entry.dim.DimValue <= 0)
        .Select(entry => new OpenDimension(input.Name, entry.axis, entry.dim.DimParam)));

    /// <summary>The inputs that a caller must feed.</summary>
    public IEnumerable<string> Inputs => _inputs.Select(input => input.Name);

    /// <summary>Inputs of which nobody knows how many dimensions they have.</summary>
    public IEnumerable<string> Shapeless => _inputs.Where(input => input.Type?.TensorType?.Shape is null).Select(input => input.Name);

    /// <summary>The dimensions of a value, 0 for an open one; null if nobody wrote them down.</summary>
    public IReadOnlyList<long>? Find(string value) => _shapes.GetValueOrDefault(value);

    private static IEnumerable<ValueInfoProto> Infos(OnnxModel model) =>
        model.Graph.Input.Concat(model.Graph.Output).Concat(model.Graph.ValueInfo);
}
