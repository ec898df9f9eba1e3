using LoraOps.Tensors;

namespace LoraOps.Adapters;

/// <summary>Reads elements of a weight as float32, row-major in PyTorch's layout.</summary>
/// <param name="first">The first element.</param>
/// <param name="values">Receives as many as it holds.</param>
public delegate void WeightReader(long first, Span<float> values);

/// <summary>The base weight that a delta is prepared for.</summary>
/// <param name="Shape">Its shape in PyTorch's layout.</param>
/// <param name="Type">The type that it is stored as.</param>
/// <param name="Read">Reads its values; may be called from several threads.</param>
public sealed record TargetWeight(TensorShape Shape, ElementType Type, WeightReader Read)
{
    /// <summary>Finds another parameter of the same module by its own name; null if the base has none.</summary>
    public Func<string, TargetWeight?> Sibling { get; init; } = _ => null;

    /// <summary>The shapes, in PyTorch's layout, of every weight that the same adapter adapts (VeRA sizes its projections by the largest).</summary>
    public IReadOnlyList<TensorShape> AdaptedShapes { get; init; } = [Shape];

    /// <summary>A weight whose values are in memory.</summary>
    /// <param name="shape">Its shape in PyTorch's layout.</param>
    /// <param name="values">Its elements, row-major.</param>
    public static TargetWeight Of(TensorShape shape, float[] values) => new(
        shape, ElementType.F32, (first, part) => values.AsSpan(checked((int)first), part.Length).CopyTo(part));
}
