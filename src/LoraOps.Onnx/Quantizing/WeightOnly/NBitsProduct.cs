using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Quantizing.WeightOnly;

/// <summary>
/// MatMulNBits (com.microsoft): codes uint8 [N, blocks, block · bits / 8], the lower k in the lower bits; scales [N · blocks]; zero points packed
/// row by row. From onnxruntime/docs/ContribOperators.md.
/// </summary>
internal static class NBitsProduct
{
    /// <summary>Stores a weight. A last block that is not full is filled with zeros, which are the zero point's code.</summary>
    public static StoredBlocks Store(WeightedNode layer, BlockedWeight weight, NodeReplacements replacements)
    {
        var (grid, name) = (weight.Grid, layer.Node.Input[1]);
        var blockBytes = CodePacking.Bytes(grid.Block, grid.Bits);
        var zeroBytes = CodePacking.Bytes(grid.Blocks, grid.Bits);
        var codes = new byte[checked(grid.Rows * grid.Blocks * blockBytes)];
        var zeros = new byte[grid.IsAsymmetric ? grid.Rows * zeroBytes : 0];
        var block = new byte[grid.Block];
        for (var row = 0; row < grid.Rows; row++)
        {
            for (var at = 0; at < grid.Blocks; at++)
            {
                var index = (row * grid.Blocks) + at;
                var first = at * grid.Block;
                var part = weight.Codes.AsSpan((row * grid.Columns) + first, Math.Min(grid.Block, grid.Columns - first));
                block.AsSpan().Fill(weight.Zeros[index]);
                part.CopyTo(block);
                CodePacking.Pack(block, grid.Bits, codes.AsSpan(index * blockBytes, blockBytes));
            }

            if (grid.IsAsymmetric)
                CodePacking.Pack(weight.Zeros.AsSpan(row * grid.Blocks, grid.Blocks), grid.Bits, zeros.AsSpan(row * zeroBytes, zeroBytes));
        }

        return new StoredBlocks(
            grid,
            replacements.Add(OnnxTensor.Create(name + "_quantized", DataType.Uint8, [grid.Rows, grid.Blocks, blockBytes], codes)),
            replacements.Add(OnnxTensor.Create(name + "_scale", [grid.Rows * grid.Blocks], weight.Scales)),
            grid.IsAsymmetric ? replacements.Add(OnnxTensor.Create(name + "_zero_point", DataType.Uint8, [zeros.Length], zeros)) : null,
            weight.Scales);
    }

    /// <summary>Multiplies an activation with a stored weight.</summary>
    public static void Read(
        WeightedNode layer, StoredBlocks weight, WeightOnlySettings settings, NodeReplacements replacements, List<NodeProto> nodes)
    {
        var product = replacements.Node("MatMulNBits", layer.Name, layer.Activation, weight.Codes, weight.Scales);
        product.Domain = "com.microsoft";
        if (weight.Zeros is not null)
            product.Input.Add(weight.Zeros);

        product.SetInteger("K", weight.Grid.Columns);
        product.SetInteger("N", weight.Grid.Rows);
        product.SetInteger("bits", weight.Grid.Bits);
        product.SetInteger("block_size", weight.Grid.Block);
        if (settings.AccuracyLevel > 0)
            product.SetInteger("accuracy_level", settings.AccuracyLevel);

        nodes.Add(product);
        MatrixLayers.End(layer.Node, replacements, nodes);
    }
}
