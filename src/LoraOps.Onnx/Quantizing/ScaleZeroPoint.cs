namespace LoraOps.Onnx.Quantizing;

/// <summary>
/// How real numbers become codes: <c>code = clip(round(x / Scale) + ZeroPoint)</c>, halves to even. The arithmetic is
/// that of ONNX Runtime's quantizer (onnxruntime/python/tools/quantization/quant_utils.py, compute_scale_zp), to the bit.
/// </summary>
/// <param name="Scale">Real numbers per code; positive and finite.</param>
/// <param name="ZeroPoint">The code of zero.</param>
public readonly record struct ScaleZeroPoint(float Scale, int ZeroPoint)
{
    // The smallest normal float32: below it a scale loses bits, and the tensor is as good as zero.
    private const float SmallestScale = 1.17549435e-38f;

    /// <summary>Spreads a range over codes.</summary>
    /// <param name="range">Finite; widened to hold zero.</param>
    /// <param name="codes">The codes that the ends of the range get.</param>
    /// <param name="symmetric">True if zero gets the middle code.</param>
    /// <param name="minRealRange">The smallest span; applied before the range is made symmetric, as the source does.</param>
    public static ScaleZeroPoint For(TensorRange range, CodeRange codes, bool symmetric, double minRealRange = 0)
    {
        var min = Math.Min((double)range.Min, 0);
        var max = Math.Max(Math.Max((double)range.Max, 0), min + minRealRange);
        if (symmetric)
        {
            max = Math.Max(Math.Abs(min), Math.Abs(max));
            min = -max;
        }

        var scale = (max - min) / (codes.High - codes.Low);
        if ((float)scale < SmallestScale)
            return new ScaleZeroPoint(1, 0);

        var zero = symmetric ? (codes.Low + codes.High) / 2.0 : codes.Low - (min / scale);
        return new ScaleZeroPoint((float)scale, (int)Math.Round(zero, MidpointRounding.ToEven));
    }

    /// <summary>The code of one number, clipped to the whole type.</summary>
    public int Quantize(float value, CodeRange type) =>
        Math.Clamp((int)Math.Clamp(MathF.Round(value / Scale, MidpointRounding.ToEven), -1e9f, 1e9f) + ZeroPoint, type.Low, type.High);

    /// <summary>The number that a code stands for.</summary>
    public float Dequantize(int code) => (code - ZeroPoint) * Scale;
}
