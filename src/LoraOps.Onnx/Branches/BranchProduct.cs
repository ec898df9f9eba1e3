using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Branches;

/// <summary>The nodes of x · A · B for each kind of layer, and how factors of several modules are put side by side.</summary>
internal static class BranchProduct
{
    /// <summary>The axis of A that counts the rank.</summary>
    public static int RankAxisOfA(LayerKind layer) => layer == LayerKind.Convolution ? 0 : 1;

    /// <summary>The axis of B that counts the rank; the other one counts the outputs.</summary>
    public static int RankAxisOfB(LayerKind layer) => layer == LayerKind.Convolution ? 1 : 0;

    /// <summary>A's dimensions.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="weight">The module's weight in PyTorch's layout, a convolution's with all input channels.</param>
    /// <param name="rank">The inner dimension.</param>
    public static long[] DimsOfA(LayerKind layer, Tensors.TensorShape weight, long rank) => layer switch
    {
        LayerKind.Convolution => [rank, .. weight.Dims[1..]],
        LayerKind.Embedding => [weight[0], rank],
        _ => [weight[1], rank],
    };

    /// <summary>B's dimensions.</summary>
    /// <inheritdoc cref="DimsOfA"/>
    public static long[] DimsOfB(LayerKind layer, Tensors.TensorShape weight, long rank) => layer switch
    {
        LayerKind.Convolution => [weight[0], rank, .. Enumerable.Repeat(1L, weight.Rank - 2)],
        LayerKind.Embedding => [rank, weight[1]],
        _ => [rank, weight[0]],
    };

    /// <summary>The dimensions of one number for each output, so that it broadcasts over the layer's output.</summary>
    public static long[] DimsOfGains(LayerKind layer, Tensors.TensorShape weight) => layer switch
    {
        LayerKind.Convolution => [weight[0], .. Enumerable.Repeat(1L, weight.Rank - 2)],
        LayerKind.Embedding => [weight[1]],
        _ => [weight[0]],
    };

    /// <summary>x · A.</summary>
    public static string Down(NodeChain chain, BranchNode site, string factor)
    {
        switch (site.Layer)
        {
            case LayerKind.Embedding:
                return chain.Value("Gather", factor, site.Source);
            case LayerKind.Convolution:
                var convolution = chain.Node("Conv", site.Source, factor);
                convolution.Attribute.AddRange(site.Node.Attribute.Where(attribute =>
                    attribute.Name is "strides" or "pads" or "dilations" or "auto_pad" or "kernel_shape").Select(attribute => attribute.Clone()));
                return convolution.Output[0];
            default:
                var source = site.Node.Integer("transA", 0) == 1 ? chain.Value("Transpose", site.Source) : site.Source;
                return chain.Value("MatMul", source, factor);
        }
    }

    /// <summary>(x · A) · B.</summary>
    public static string Up(NodeChain chain, BranchNode site, string inner, string factor) =>
        chain.Value(site.Layer == LayerKind.Convolution ? "Conv" : "MatMul", inner, factor);

    /// <summary>The rows of a module's B or gains that the node has.</summary>
    /// <param name="chain">Receives the node.</param>
    /// <param name="constants">Where its bounds are kept.</param>
    /// <param name="value">The value.</param>
    /// <param name="axis">Its axis that counts the outputs.</param>
    /// <param name="rows">The part.</param>
    public static string Part(NodeChain chain, ModelConstants constants, string value, int axis, RowRange? rows) => rows is not { } part
        ? value
        : chain.Value("Slice", value, constants.Integers(part.First), constants.Integers(part.End), constants.Integers(axis));

    /// <summary>A module's B with zeros for the node's outputs that are not the module's.</summary>
    public static string Padded(NodeChain chain, ModelConstants constants, string value, BranchNode site, BranchShare share)
    {
        if (share.Place.Rows is not { } rows)
            return value;

        var rank = site.Layer == LayerKind.Convolution ? site.Use.Shape.Rank : 2;
        var pads = new long[2 * rank];
        var axis = 1 - RankAxisOfB(site.Layer);
        (pads[axis], pads[rank + axis]) = (rows.First, site.Outputs - rows.End);
        return chain.Value("Pad", value, constants.Integers(pads));
    }

    /// <summary>Values side by side; one alone stays as it is.</summary>
    public static string Joined(NodeChain chain, IReadOnlyList<string> values, int axis)
    {
        if (values.Count == 1)
            return values[0];

        NodeProto node = chain.Node("Concat", [.. values]);
        node.SetInteger("axis", axis);
        return node.Output[0];
    }
}
