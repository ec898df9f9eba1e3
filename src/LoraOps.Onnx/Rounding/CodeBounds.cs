namespace LoraOps.Onnx.Rounding;

/// <summary>The smallest and the largest code that each weight of a row may have.</summary>
internal readonly record struct CodeBounds(int[] Low, int[] High);
