namespace LoraOps.Onnx.Quantizing;

/// <summary>int32 biases: their scale is that of the products they are added to.</summary>
public static class BiasScale
{
    /// <summary>
    /// Raises a weight's scale where the bias would not fit int32 otherwise (a channel whose weights are all but zero).
    /// From onnxruntime/python/tools/quantization/base_quantizer.py, adjust_weight_scale_for_int32_bias.
    /// </summary>
    /// <param name="bias">The real bias of the channel; of the whole tensor the one of largest magnitude.</param>
    /// <param name="inputScale">The activation's scale.</param>
    /// <param name="weightScale">The weight's scale as computed from its values.</param>
    public static float Guard(float bias, float inputScale, float weightScale)
    {
        var smallest = 1.0001 * 2.0 * Math.Abs((double)bias) / (2.0 * int.MaxValue);
        var product = (double)inputScale * weightScale;
        return product > 0 && product < smallest ? (float)(weightScale * (smallest / product)) : weightScale;
    }

    /// <summary>The code of a bias.</summary>
    public static int Quantize(float bias, float scale) =>
        (int)Math.Clamp(Math.Round(bias / (double)scale, MidpointRounding.ToEven), int.MinValue, int.MaxValue);
}
