namespace LoraOps.Onnx.Quantizing;

/// <summary>A weight as the quantizer is going to store it.</summary>
/// <param name="Node">The node that multiplies it.</param>
/// <param name="Values">Its elements, row-major; Gemm's alpha is multiplied in.</param>
/// <param name="Dims">Its dimensions.</param>
/// <param name="OutputAxis">The dimension of the output channels.</param>
/// <param name="Axis">The dimension that has one scale each, or −1 if one scale holds for all.</param>
/// <param name="Scales">The scales, raised already where the bias would not fit int32.</param>
/// <param name="Codes">The codes that a weight may have.</param>
public sealed record LayerWeight(
    WeightedNode Node, ReadOnlyMemory<float> Values, IReadOnlyList<long> Dims, int OutputAxis, int Axis, IReadOnlyList<float> Scales, CodeRange Codes);
