using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using LoraOps.Tensors;

namespace LoraOps.Onnx.AdapterFiles;

/// <summary>One dimension of an input.</summary>
/// <param name="Size">How long it is, or null if it is free.</param>
/// <param name="Symbol">The name of a free dimension; may be empty.</param>
public readonly record struct InputDim(long? Size, string Symbol)
{
    /// <summary>The size, the name, or a question mark.</summary>
    public override string ToString() => Size?.ToString(CultureInfo.InvariantCulture) ?? (Symbol.Length > 0 ? Symbol : "?");
}

/// <summary>An input that has a default, which an adapter may override.</summary>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Type">Its element type; null for one that LoraOps does not read.</param>
/// <param name="Dims">Its dimensions as declared; null if any rank is taken.</param>
/// <param name="Default">The shape of its default.</param>
public sealed record OverridableInput(string Name, ElementType? Type, IReadOnlyList<InputDim>? Dims, IReadOnlyList<long> Default)
{
    /// <summary>The declared dimensions as people write them: <c>[64, lora_r]</c>.</summary>
    public string Shape => Dims is null ? "any" : $"[{string.Join(", ", Dims)}]";

    /// <summary>True if values of this shape can be fed: as many dimensions, and equal ones where they are fixed.</summary>
    public bool Takes(TensorShape shape)
    {
        ArgumentNullException.ThrowIfNull(shape);
        if (Dims is null)
            return true;

        if (shape.Rank != Dims.Count)
            return false;

        for (var i = 0; i < Dims.Count; i++)
        {
            if (Dims[i].Size is { } size && size != shape[i])
                return false;
        }

        return true;
    }
}

/// <summary>What of a model an <c>.onnx_adapter</c> can override: the inputs of the graph that are initializers as well.</summary>
public static class OverridableInputs
{
    // Before that an initializer among the inputs is a constant like any other.
    private const long FirstIrVersion = 4;

    /// <summary>They, in the order of the graph; none in a model whose IR version is below 4.</summary>
    public static IReadOnlyList<OverridableInput> Of(OnnxModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (model.Proto.IrVersion < FirstIrVersion)
            return [];

        var defaults = new Dictionary<string, TensorProto>(StringComparer.Ordinal);
        foreach (var tensor in model.Graph.Initializer)
            defaults.TryAdd(tensor.Name, tensor);

        return [.. model.Graph.Input.Where(input => defaults.ContainsKey(input.Name))
            .DistinctBy(input => input.Name, StringComparer.Ordinal)
            .Select(input => Describe(input, defaults[input.Name]))];
    }

    private static OverridableInput Describe(ValueInfoProto input, TensorProto tensor)
    {
        var type = input.Type?.TensorType;
        var dims = type?.Shape?.Dim.Select(dim => new InputDim(dim.HasDimValue ? dim.DimValue : null, dim.DimParam)).ToList();
        return new OverridableInput(input.Name, OnnxTensor.TypeOf(type?.ElemType ?? tensor.DataType), dims, [.. tensor.Dims]);
    }
}
