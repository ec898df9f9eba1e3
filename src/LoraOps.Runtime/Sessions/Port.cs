using System.Globalization;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Sessions;

/// <summary>One dimension of an input or output.</summary>
/// <param name="Size">How long it is, or null if it is free.</param>
/// <param name="Symbol">The name of a free dimension; may be empty.</param>
public readonly record struct PortDim(long? Size, string Symbol)
{
    /// <summary>The size, the name, or a question mark.</summary>
    public override string ToString() =>
        Size?.ToString(CultureInfo.InvariantCulture) ?? (Symbol.Length > 0 ? Symbol : "?");
}

/// <summary>An input or output of a model: a tensor of numbers.</summary>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Type">Its element type.</param>
/// <param name="Dims">Its dimensions, the first counting the samples.</param>
public sealed record Port(string Name, ElementType Type, IReadOnlyList<PortDim> Dims)
{
    /// <summary>The number of samples that one run takes, or null if it is free.</summary>
    public int? Batch => Dims.Count > 0 && Dims[0].Size is { } size and > 0 and <= int.MaxValue ? (int)size : null;

    /// <summary>As people write it: <c>F32 [batch, 1, 8, 8]</c>.</summary>
    public override string ToString() => $"{Type.Name()} [{string.Join(", ", Dims)}]";

    /// <summary>True if samples of this shape can be fed: equal rank, and equal dimensions after the first where they are fixed.</summary>
    internal bool Takes(TensorShape shape)
    {
        if (shape.Rank != Dims.Count || shape.Rank == 0)
            return false;

        for (var i = 1; i < Dims.Count; i++)
        {
            if (Dims[i].Size is { } size && size != shape[i])
                return false;
        }

        return true;
    }
}
