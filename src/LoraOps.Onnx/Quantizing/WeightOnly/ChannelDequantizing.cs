using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Quantizing.WeightOnly;

/// <summary>DequantizeLinear with a scale for each output channel in front of the float node, which stays as it is: Conv, MatMul and Gemm.</summary>
internal static class ChannelDequantizing
{
    /// <summary>Stores a weight in its own layout.</summary>
    public static StoredBlocks Store(WeightedNode layer, BlockedWeight weight, NodeReplacements replacements)
    {
        var (grid, name) = (weight.Grid, layer.Node.Input[1]);
        var (rows, inner) = layer.OutputAxis == 0 ? (1, grid.Columns) : (grid.Rows, 1);
        var middle = grid.IsAsymmetric ? 0 : grid.Middle;
        var codes = new byte[weight.Codes.Length];
        for (var row = 0; row < grid.Rows; row++)
        {
            for (var column = 0; column < grid.Columns; column++)
                codes[(row * inner) + (column * rows)] = (byte)(weight.Codes[(row * grid.Columns) + column] - middle);
        }

        var type = grid.IsAsymmetric ? DataType.Uint8 : DataType.Int8;
        var zeros = grid.IsAsymmetric ? weight.Zeros : new byte[grid.Rows];
        return new StoredBlocks(
            grid,
            replacements.Add(OnnxTensor.Create(name + "_quantized", type, [.. layer.Weight!.Dims], codes)),
            replacements.Add(OnnxTensor.Create(name + "_scale", [grid.Rows], weight.Scales)),
            replacements.Add(OnnxTensor.Create(name + "_zero_point", type, [grid.Rows], zeros)),
            weight.Scales);
    }

    /// <summary>Gives a layer the stored weight.</summary>
    public static void Read(WeightedNode layer, StoredBlocks weight, NodeReplacements replacements, List<NodeProto> nodes)
    {
        var dequantizer = replacements.Node(
            "DequantizeLinear", layer.Node.Input[1] + "_dequantized", weight.Codes, weight.Scales, weight.Zeros ?? "");
        dequantizer.SetInteger("axis", layer.OutputAxis);
        nodes.Add(dequantizer);
        layer.Node.Input[1] = dequantizer.Output[0];
        layer.Node.Unset("alpha");
        nodes.Add(layer.Node);
    }
}
