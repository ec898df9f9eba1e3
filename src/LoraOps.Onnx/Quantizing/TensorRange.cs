namespace LoraOps.Onnx.Quantizing;

/// <summary>The real values that a tensor takes on the calibration data.</summary>
public sealed record TensorRange(float Min, float Max);
