using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Quantizing.WeightOnly;

/// <summary>
/// DequantizeLinear over blocks (ONNX, opset 21) in front of MatMul: codes [K, N] of int4, uint4, int8 or uint8, scales and zero points
/// [blocks, N], axis 0. ONNX Runtime fuses the pair of 4 bits to MatMulNBits.
/// </summary>
internal static class BlockedDequantizing
{
    /// <summary>The opset that has blocks and 4 bits.</summary>
    public const long Opset = 21;

    /// <summary>Stores a weight.</summary>
    public static StoredBlocks Store(WeightedNode layer, BlockedWeight weight, NodeReplacements replacements)
    {
        var (grid, name) = (weight.Grid, layer.Node.Input[1]);
        var middle = grid.IsAsymmetric ? 0 : grid.Middle;
        var codes = Transposed(weight.Codes, grid.Rows, grid.Columns);
        foreach (ref var code in codes.AsSpan())
            code = (byte)(code - middle);

        var scales = StoredScales(weight.Scales, grid);
        var stored = replacements.Add(Pack(name + "_quantized", codes, [grid.Columns, grid.Rows], grid));
        var scale = replacements.Add(OnnxTensor.Create(name + "_scale", [grid.Blocks, grid.Rows], scales));
        var zeros = grid.IsAsymmetric
            ? replacements.Add(Pack(name + "_zero_point", Transposed(weight.Zeros, grid.Rows, grid.Blocks), [grid.Blocks, grid.Rows], grid))
            : null;
        return new StoredBlocks(grid, stored, scale, zeros, weight.Scales);
    }

    /// <summary>Multiplies an activation with a stored weight. Each layer has a DequantizeLinear of its own: shared ones are not fused.</summary>
    public static void Read(
        WeightedNode layer, StoredBlocks weight, NodeReplacements replacements, List<NodeProto> nodes)
    {
        var dequantizer = replacements.Node("DequantizeLinear", layer.Node.Input[1] + "_dequantized", weight.Codes, weight.Scales);
        if (weight.Zeros is not null)
            dequantizer.Input.Add(weight.Zeros);

        dequantizer.SetInteger("axis", 0);
        dequantizer.SetInteger("block_size", weight.Grid.Block);
        nodes.Add(dequantizer);
        nodes.Add(replacements.Node("MatMul", layer.Name, layer.Activation, dequantizer.Output[0]));
        MatrixLayers.End(layer.Node, replacements, nodes);
    }

    private static TensorProto Pack(string name, byte[] codes, long[] dims, BlockGrid grid)
    {
        var packed = new byte[CodePacking.Bytes(codes.Length, grid.Bits)];
        CodePacking.Pack(codes, grid.Bits, packed);
        var type = (grid.Bits, grid.IsAsymmetric) switch
        {
            (4, true) => DataType.Uint4,
            (4, false) => DataType.Int4,
            (_, true) => DataType.Uint8,
            _ => DataType.Int8,
        };
        return OnnxTensor.Create(name, type, dims, packed);
    }

    private static float[] StoredScales(float[] scales, BlockGrid grid) => Mapping.StoredWeight.Transpose(scales, grid.Rows, grid.Blocks);

    private static byte[] Transposed(byte[] values, int rows, int columns)
    {
        var result = new byte[values.Length];
        for (var row = 0; row < rows; row++)
        {
            for (var column = 0; column < columns; column++)
                result[(column * rows) + row] = values[(row * columns) + column];
        }

        return result;
    }
}
