namespace LoraOps.Onnx.Quantizing.WeightOnly;

/// <summary>How quantized weights lie in the model.</summary>
public enum WeightFormat
{
    /// <summary>MatMulNBits, ONNX Runtime's own operator (com.microsoft).</summary>
    NBits,

    /// <summary>DequantizeLinear in front of the float node: plain ONNX.</summary>
    Qdq,
}

/// <summary>Weight-only quantization: activations stay float.</summary>
public sealed record WeightOnlySettings
{
    /// <summary>The block sizes that MatMulNBits has kernels for, and that DequantizeLinear is fused with.</summary>
    public static IReadOnlyList<int> BlockSizes { get; } = [16, 32, 64, 128, 256];

    /// <summary>The bits of a code: 4 or 8.</summary>
    public int Bits { get; init; } = 8;

    /// <summary>How many inputs share a scale, one of <see cref="BlockSizes"/>; 0 for one scale per output channel.</summary>
    public int BlockSize { get; init; } = 32;

    /// <summary>True if each block has a zero point.</summary>
    public bool IsAsymmetric { get; init; }

    /// <summary>How they lie in the model.</summary>
    public WeightFormat Format { get; init; }

    /// <summary>MatMulNBits' accuracy_level: 0 leaves it to the kernel, 1 to 4 allow float32, float16, bfloat16, int8 activations.</summary>
    public int AccuracyLevel { get; init; }

    /// <summary>How scales are found.</summary>
    public ScaleSearch Search { get; init; } = ScaleSearch.LeastSquares;

    /// <summary>
    /// Chooses codes by calibration data instead of rounding to the nearest: gets a layer and its blocks, gives codes of the same count for the same
    /// scales and zero points; null for the nearest ones.
    /// </summary>
    public Func<WeightedNode, BlockedWeight, byte[]?>? ChooseCodes { get; init; }
}
