using System.Globalization;
using LoraOps.Onnx.Graphs;
using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Chips;

/// <summary>
/// Layers that are too small for a chip's integer units: quantizing them costs time and exactness.
/// The limits are those of NVIDIA's Model Optimizer (modelopt/onnx/quantization/graph_utils.py).
/// </summary>
public static class SmallLayers
{
    private const long GroupedMultiple = 8;
    private const long GroupedKernel = 3;

    /// <summary>Why a layer is too small for a chip, or null if it is not.</summary>
    public static string? Reason(NodeProto node, TensorProto weight, GraphIndex index, ChipProfile chip) => node.OpType switch
    {
        "Conv" => ConvReason(node, weight, index, chip.MinChannels),
        "ConvTranspose" => Math.Min(weight.Dims[0], weight.Dims[1] * node.Integer("group", 1)) is var channels && channels < chip.MinChannels
            ? Below("channels", channels, chip.MinChannels)
            : null,
        "Gemm" => ProductReason(weight, node.Integer("transB", 0) != 0 ? 0 : 1, chip),
        _ => ProductReason(weight, weight.Dims.Count - 1, chip),
    };

    private static string? ProductReason(TensorProto weight, int outputAxis, ChipProfile chip)
    {
        var (k, n) = (weight.Dims[1 - outputAxis], weight.Dims[outputAxis]);
        if (chip.SkipVectorProducts && n == 1)
            return "it multiplies with a vector";

        return Math.Min(k, n) < chip.MinChannels ? Below("K or N", Math.Min(k, n), chip.MinChannels) : null;
    }

    private static string? ConvReason(NodeProto node, TensorProto weight, GraphIndex index, long minChannels)
    {
        var groups = node.Integer("group", 1);
        var (outputs, inputs) = (weight.Dims[0], weight.Dims[1] * groups);
        if (Math.Min(outputs, inputs) >= minChannels || index.IsInput(node.Input[0]))
            return null;

        var kernel = weight.Dims.Skip(2).ToArray();
        var isSquareMultiple = kernel.Distinct().Count() == 1 && outputs % GroupedMultiple == 0 && inputs % GroupedMultiple == 0;
        var isGrouped = groups > 1 && outputs % GroupedMultiple == 0 && kernel.All(size => size >= GroupedKernel);
        return isSquareMultiple || isGrouped ? null : Below("channels", Math.Min(outputs, inputs), minChannels);
    }

    private static string Below(string what, long found, long limit) =>
        string.Create(CultureInfo.InvariantCulture, $"its {what} are {found}, below {limit}");
}
