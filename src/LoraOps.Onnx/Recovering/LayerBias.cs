using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Recovering;

/// <summary>Where the outputs of layers get a number per channel, and how that is changed.</summary>
public static class LayerBias
{
    /// <summary>Adds to a layer's outputs: to its bias, to the Add of a constant behind it, or to a new Add.</summary>
    /// <param name="model">Edited in place.</param>
    /// <param name="node">The name of a Conv, MatMul or Gemm of the main graph.</param>
    /// <param name="shift">One number per output channel.</param>
    /// <returns>The name of the node whose constant changed; null if there is none and none can be made.</returns>
    public static string? Add(OnnxModel model, string node, double[] shift)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(shift);
        var index = new GraphIndex(model);
        var constants = new ConstantEditor(model, index);
        if (model.Graph.Node.FirstOrDefault(candidate => candidate.Name == node) is not { } layer)
            return null;

        if (!layer.Is("Conv", "Gemm"))
            return Follow(index, constants, layer, shift);

        if (layer.InputAt(2).Length > 0)
            return Change(constants, index, new Edge(layer, 2), shift, layer.Float("beta", 1)) ? node : null;

        while (layer.Input.Count < 2)
            layer.Input.Add("");

        var bias = constants.Add(node + "_bias", [shift.Length], Floats(shift));
        if (layer.Input.Count > 2)
            layer.Input[2] = bias;
        else
            layer.Input.Add(bias);

        layer.Unset("beta");
        return node;
    }

    /// <summary>True if what the layer itself gives has the bias in it already.</summary>
    public static bool IsInside(NodeProto layer) => layer.Is("Conv", "Gemm");

    private static string? Follow(GraphIndex index, ConstantEditor constants, NodeProto layer, double[] shift)
    {
        var value = layer.Output[0];
        foreach (var node in index.IsOutput(value) || index.IsUsedInside(value) ? [] : index.Readers(value))
        {
            if (index.Readers(value).Count != 1 || !node.Is("Add"))
                break;

            var at = new Edge(node, node.Input[0] == value ? 1 : 0);
            if (Constants.Of(index, at) is { } row && row.Dims.Count > 0 && row.Dims[^1] == shift.Length
                && row.Dims.SkipLast(1).All(dim => dim == 1) && Change(constants, index, at, shift, 1))
            {
                return node.Name;
            }
        }

        return Insert(index, constants, layer, shift);
    }

    private static string Insert(GraphIndex index, ConstantEditor constants, NodeProto layer, double[] shift)
    {
        var value = layer.Output[0];
        var inner = constants.Name(value + "_uncorrected");
        var add = new NodeProto { OpType = "Add", Name = constants.Name(layer.Name + "_correction") };
        add.Input.Add(inner);
        add.Input.Add(constants.Add(layer.Name + "_shift", [shift.Length], Floats(shift)));
        add.Output.Add(value);
        layer.Output[0] = inner;
        var graph = index.Owner(layer);
        graph.Node.Insert(graph.Node.IndexOf(layer) + 1, add);
        return add.Name;
    }

    private static bool Change(ConstantEditor constants, GraphIndex index, Edge edge, double[] shift, float factor)
    {
        if (Constants.Of(index, edge) is not { } tensor || tensor.DataType != (int)TensorProto.Types.DataType.Float || factor == 0)
            return false;

        var values = constants.Read(edge);
        if (values.Length != shift.Length)
            return false;

        for (var i = 0; i < values.Length; i++)
            values[i] = (float)(values[i] + (shift[i] / factor));

        constants.Write([edge], values);
        return true;
    }

    private static float[] Floats(double[] values) => [.. values.Select(value => (float)value)];
}
