using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Recovering;

/// <summary>A constant that a node reads, one dimension of which counts an activation's channels.</summary>
/// <param name="Edge">Where it is read.</param>
/// <param name="Tensor">Its elements.</param>
/// <param name="Dim">That dimension.</param>
/// <param name="Groups">More than one for the input channels of a grouped convolution: each group of outputs has channels of its own.</param>
public sealed record ScaledOperand(Edge Edge, TensorProto Tensor, int Dim, int Groups = 1)
{
    /// <summary>The channels that it counts.</summary>
    public long Channels => Tensor.Dims[Dim] * Groups;

    /// <summary>The channel of each element, in runs of equal channels.</summary>
    /// <param name="visit">Called with the first element of a run, its length, and the channel.</param>
    public void Visit(Action<int, int, int> visit)
    {
        ArgumentNullException.ThrowIfNull(visit);
        var run = (int)Tensor.Dims.Skip(Dim + 1).Aggregate(1L, (product, dim) => product * dim);
        var size = (int)Tensor.Dims[Dim];
        var count = (int)Tensor.Dims.Aggregate(1L, (product, dim) => product * dim);
        var outputs = (int)Tensor.Dims[0];
        for (var (at, index) = (0, 0); at < count; at += run, index++)
        {
            var group = Groups == 1 ? 0 : index / size / (outputs / Groups);
            visit(at, run, (group * size) + (index % size));
        }
    }

    /// <summary>The largest magnitude of each channel, merged into <paramref name="into"/>.</summary>
    public void Magnitudes(ReadOnlySpan<float> values, float[] into)
    {
        ArgumentNullException.ThrowIfNull(into);
        var copy = values.ToArray();
        Visit((at, run, channel) =>
        {
            foreach (var value in copy.AsSpan(at, run))
                into[channel] = Math.Max(into[channel], Math.Abs(value));
        });
    }

    /// <summary>Multiplies each element with its channel's factor.</summary>
    public void Multiply(float[] values, double[] factors) => Visit((at, run, channel) =>
    {
        foreach (ref var value in values.AsSpan(at, run))
            value = (float)(value * factors[channel]);
    });
}
