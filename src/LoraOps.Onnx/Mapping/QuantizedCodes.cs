using LoraOps.Onnx.Proto;

namespace LoraOps.Onnx.Mapping;

/// <summary>How the codes of a quantized weight become numbers: (code − zero point) · scale, as DequantizeLinear does.</summary>
/// <param name="Scale">One scale, one for each index of the axis, or one for each block along the axis.</param>
/// <param name="Zero">As many zero points, or null for 0.</param>
/// <param name="Axis">The axis, not negative.</param>
/// <param name="Block">The length of a block, or 0 if there are none.</param>
public sealed record QuantizedCodes(TensorProto Scale, TensorProto? Zero, int Axis, long Block)
{
    /// <summary>How MatMulNBits packs several codes into a byte; null if each code is an element.</summary>
    internal NBits? Packed { get; init; }
}
