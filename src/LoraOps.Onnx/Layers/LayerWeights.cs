using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;
using static LoraOps.Onnx.Proto.TensorProto.Types;

namespace LoraOps.Onnx.Layers;

/// <summary>
/// Finds the layers with a constant weight in a float model whose constants are folded, or in a quantized one: QDQ with stored codes or with
/// floats that a QuantizeLinear turns to codes, MatMulInteger and ConvInteger behind a dynamic quantization, MatMulNBits.
/// </summary>
public static class LayerWeights
{
    private const int LongestChain = 8;

    /// <summary>The layers of the main graph in graph order; embeddings (Gather of a matrix) among them.</summary>
    public static IReadOnlyList<LayerWeight> Find(OnnxModel model)
    {
        var index = new GraphIndex(model);
        return [.. model.Graph.Node.Where(node => node.Output.Count > 0)
            .Select(node => Store(index, node) is { } store ? new LayerWeight(model, node, store) : null)
            .OfType<LayerWeight>()];
    }

    private static WeightStore? Store(GraphIndex index, NodeProto node)
    {
        if (node.Is("MatMul", "Gemm", "Conv", "ConvTranspose") || node.IsContrib("FusedMatMul", "FusedGemm", "FusedConv"))
            return Plain(index, node, 1);

        if (node.Is("Gather") && node.Integer("axis", 0) == 0)
            return Plain(index, node, 0) is { } store && store.Layout.Rows.Rank == 2 && store.Codes is null ? store : null;

        if (node.Is("MatMulInteger", "ConvInteger"))
            return Integer(index, node);

        return node.IsContrib("MatMulNBits") ? Packed(index, node) : null;
    }

    // Back over what turns or dequantizes the weight to where it is stored.
    private static WeightStore? Plain(GraphIndex index, NodeProto node, int input)
    {
        var value = node.InputAt(input);
        var isFlipped = false;
        NodeProto? dequantize = null;
        for (var depth = 0; depth < LongestChain && value.Length > 0; depth++)
        {
            if (index.Constant(value) is { } tensor)
                return Stored(index, node, tensor, dequantize, isFlipped);

            if (index.Producer(value) is not { } step || !Passes(step))
                return null;

            dequantize = step.Is("DequantizeLinear") ? step : dequantize;
            isFlipped ^= step.Is("Transpose");
            value = step.InputAt(0);
        }

        return null;
    }

    private static bool Passes(NodeProto step) => step.Is("Identity", "Cast", "DequantizeLinear", "QuantizeLinear")
        || (step.Is("Transpose") && step.Integers("perm") is [] or [1, 0]);

    private static WeightStore? Stored(GraphIndex index, NodeProto node, TensorProto tensor, NodeProto? dequantize, bool isFlipped)
    {
        var axis = OutputAxis(node, tensor.Dims.Count, isFlipped);
        var codes = dequantize is null ? null : Codes(index, dequantize, tensor);
        var isKnown = codes is not null || (DataType)tensor.DataType is DataType.Float or DataType.Float16 or DataType.Bfloat16 or DataType.Double;
        if (tensor.Dims.Count < 2 || tensor.Dims.Contains(0) || axis < 0 || !isKnown || (dequantize is not null && codes is null))
            return null;

        return new WeightStore(tensor, new RowLayout(tensor.Dims, axis)) { Codes = codes, Factor = node.Is("Gemm") ? node.Float("alpha", 1) : 1 };
    }

    private static int OutputAxis(NodeProto node, int rank, bool isFlipped)
    {
        var axis = node.OpType switch
        {
            "Conv" or "FusedConv" or "ConvInteger" or "Gather" => 0,
            "ConvTranspose" => 1,
            "Gemm" or "FusedGemm" or "FusedMatMul" => node.Integer("transB", 0) != 0 ? rank - 2 : rank - 1,
            _ => rank - 1,
        };
        return !isFlipped ? axis : rank == 2 ? 1 - axis : -1;
    }

    private static StoredCodes? Codes(GraphIndex index, NodeProto dequantize, TensorProto tensor)
    {
        if (index.Stored(dequantize.InputAt(1)) is not { } scale)
            return null;

        var zero = dequantize.InputAt(2).Length == 0 ? null : index.Stored(dequantize.InputAt(2));
        var isFloat = (DataType)tensor.DataType is DataType.Float or DataType.Float16 or DataType.Bfloat16;
        var type = zero is not null ? (DataType)zero.DataType : isFloat ? DataType.Uint8 : (DataType)tensor.DataType;
        var axis = (int)dequantize.Integer("axis", 1);
        return new StoredCodes(type, scale, zero, axis < 0 ? axis + tensor.Dims.Count : axis, dequantize.Integer("block_size", 0));
    }

    // Codes times codes; the weight's scale waits in the Mul behind: Cast(product) · (activation scale · weight scale).
    private static WeightStore? Integer(GraphIndex index, NodeProto node)
    {
        if (index.Constant(node.InputAt(1)) is not { } tensor || ScaleBehind(index, node) is not { } scale || tensor.Dims.Count < 2)
            return null;

        var zero = node.InputAt(3).Length == 0 ? null : index.Constant(node.InputAt(3));
        var axis = OutputAxis(node, tensor.Dims.Count, isFlipped: false);
        return new WeightStore(tensor, new RowLayout(tensor.Dims, axis))
        {
            Codes = new StoredCodes((DataType)tensor.DataType, scale, zero, axis, 0),
        };
    }

    private static TensorProto? ScaleBehind(GraphIndex index, NodeProto node)
    {
        for (var (at, depth) = (node, 0); depth < LongestChain; depth++)
        {
            if (index.Consumers(at) is not [var only])
                return null;

            at = only.Node;
            if (!at.Is("Mul"))
                continue;

            var other = at.InputAt(1 - only.Input);
            return index.Constant(other) ?? (index.Producer(other) is { } product && product.Is("Mul")
                ? product.Input.Select(index.Constant).FirstOrDefault(tensor => tensor is not null)
                : null);
        }

        return null;
    }

    private static WeightStore? Packed(GraphIndex index, NodeProto node)
    {
        var (rows, columns, block, bits) = (node.Integer("N", 0), node.Integer("K", 0), node.Integer("block_size", 0), node.Integer("bits", 4));
        if (index.Constant(node.InputAt(1)) is not { } tensor || index.Constant(node.InputAt(2)) is not { } scale
            || rows is <= 0 or > int.MaxValue || columns is <= 0 or > int.MaxValue || block is < 16 or > 1 << 20 || bits is not (2 or 4 or 8)
            || rows * columns > Array.MaxLength || node.InputAt(4).Length > 0)
        {
            return null;
        }

        var zero = node.InputAt(3).Length > 0 ? index.Constant(node.InputAt(3)) : null;
        return new WeightStore(tensor, new RowLayout([rows, columns], 0))
        {
            Codes = new StoredCodes(DataType.Uint8, scale, zero, 1, block) { PackedBits = (int)bits },
        };
    }
}
