using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Mapping;

/// <summary>The bias of a product that another node adds: an Add, or one of ONNX Runtime's fused nodes that took the Add in.</summary>
internal static class AddedBias
{
    private const int NormBias = 4;

    /// <summary>Where the bias is read, or null.</summary>
    /// <param name="index">The graph.</param>
    /// <param name="product">The MatMul.</param>
    /// <param name="outputs">The length that the bias must have.</param>
    public static Edge? Of(GraphIndex index, NodeProto product, long outputs)
    {
        foreach (var (reader, input) in index.Consumers(product))
        {
            if (Input(reader, input) is { } other && reader.InputAt(other).Length > 0
                && index.Stored(new Edge(reader, other)) is { } bias
                && bias.Dims.LastOrDefault() == outputs && bias.Dims.SkipLast(1).All(dim => dim == 1))
            {
                return new Edge(reader, other);
            }
        }

        return null;
    }

    private static int? Input(NodeProto reader, int input)
    {
        if (reader.Is("Add") && input < 2)
            return 1 - input;

        if (reader.IsContrib("BiasGelu", "FastGelu"))
            return 1;

        return reader.IsContrib("SkipLayerNormalization") && input < 2 ? NormBias : null;
    }
}
