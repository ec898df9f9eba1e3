using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Quantizing;

namespace LoraOps.Runtime.Recovering;

/// <summary>
/// What the rows of a weight multiply: the last axis of an activation, or the patches that a convolution sees. Layers with equal keys see
/// the same.
/// </summary>
internal abstract class LayerInput
{
    /// <summary>Names what is seen: equal for layers that see the same.</summary>
    public abstract string Key { get; }

    /// <summary>The activation's name.</summary>
    public required string Activation { get; init; }

    /// <summary>Elements of one input of one group.</summary>
    public required int Columns { get; init; }

    /// <summary>Groups of output channels that see different parts.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>The inputs of a layer; null for a kind of layer that has none worked out.</summary>
    public static LayerInput? Of(WeightedNode node)
    {
        if (node.Weight is not { } weight)
            return null;

        if (node.Node.Is("MatMul", "Gemm"))
        {
            var outputs = weight.Dims[node.OutputAxis];
            var columns = weight.Dims.Aggregate(1L, (product, dim) => product * dim) / Math.Max(1, outputs);
            return weight.Dims.Count == 2 ? new RowInput { Activation = node.Activation, Columns = (int)columns } : null;
        }

        return node.Node.Is("Conv") && weight.Dims.Count is 3 or 4 ? PatchInput.Of(node) : null;
    }

    /// <summary>How many inputs a batch holds.</summary>
    /// <param name="dims">The activation's dimensions.</param>
    public abstract int Count(ReadOnlySpan<long> dims);

    /// <summary>Copies one input of one group.</summary>
    /// <param name="values">The activation's elements.</param>
    /// <param name="dims">Its dimensions.</param>
    /// <param name="at">Which input.</param>
    /// <param name="group">Which group.</param>
    /// <param name="into">Receives <see cref="Columns"/> elements.</param>
    public abstract void Copy(ReadOnlySpan<float> values, ReadOnlySpan<long> dims, int at, int group, Span<float> into);
}

/// <summary>The last axis.</summary>
internal sealed class RowInput : LayerInput
{
    public override string Key => Activation;

    public override int Count(ReadOnlySpan<long> dims)
    {
        var count = 1L;
        foreach (var dim in dims[..^1])
            count *= dim;

        return checked((int)count);
    }

    public override void Copy(ReadOnlySpan<float> values, ReadOnlySpan<long> dims, int at, int group, Span<float> into) =>
        values.Slice(at * Columns, Columns).CopyTo(into);
}
