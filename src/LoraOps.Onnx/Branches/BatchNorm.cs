using LoraOps.Adapters;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Mapping;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Branches;

/// <summary>A batch norm of stored statistics behind a convolution: y ← f ⊙ y + c, with f = γ / √(σ² + ε) for each channel.</summary>
/// <param name="Node">The BatchNormalization.</param>
/// <param name="Factors">f.</param>
/// <param name="Shift">What the convolution's bias and the norm add together: f ⊙ (b − μ) + β.</param>
internal sealed record BatchNorm(NodeProto Node, float[] Factors, float[] Shift)
{
    /// <summary>The batch norm that alone reads a convolution, or null; a bias that is no constant keeps it apart.</summary>
    public static BatchNorm? Behind(OnnxModel model, WeightUse use, GraphIndex index)
    {
        if (use.Layer != LayerKind.Convolution || index.Consumers(use.Node) is not [{ Input: 0, Node: { Output.Count: 1 } norm }]
            || !norm.Is("BatchNormalization") || norm.Integer("training_mode", 0) != 0 || index.IsGraphOutput(new Edge(norm, 0)))
        {
            return null;
        }

        var stored = Enumerable.Range(1, 4).Select(input => Read(model, index, norm, input)).OfType<float[]>().ToList();
        var bias = use.Node.InputAt(2).Length == 0 ? new float[(int)use.Shape[0]] : Read(model, index, use.Node, 2);
        if (stored is not [var gamma, var beta, var mean, var variance] || bias is null)
            return null;

        var epsilon = norm.Float("epsilon", 1e-5f);
        var factors = gamma.Zip(variance, (scale, square) => scale / Math.Sqrt((double)square + epsilon)).ToArray();
        var shift = factors.Index().Select(pair => (float)((pair.Item * ((double)bias[pair.Index] - mean[pair.Index])) + beta[pair.Index]));
        return new BatchNorm(norm, [.. factors.Select(factor => (float)factor)], [.. shift]);
    }

    private static float[]? Read(OnnxModel model, GraphIndex index, NodeProto node, int input) =>
        index.Stored(new Edge(node, input)) is { } tensor && !index.IsInput(node.Input[input]) ? model.Read(tensor).ToFloats() : null;
}
