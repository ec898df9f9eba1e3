namespace LoraOps.Onnx.HandOff;

/// <summary>How a tensor is coded, in the words of AIMET: real = scale · (code + offset) with codes from 0 to 2^bits − 1.</summary>
/// <param name="Tensor">Its name in the float model.</param>
/// <param name="Bits">8, 16 or 32.</param>
/// <param name="IsFloat">True for half floats, which have no scales.</param>
public sealed record TensorEncoding(string Tensor, int Bits, bool IsFloat)
{
    /// <summary>True if zero has the middle code.</summary>
    public bool IsSymmetric { get; init; }

    /// <summary>One scale, or one per channel.</summary>
    public IReadOnlyList<double> Scales { get; init; } = [];

    /// <summary>As many: minus the unsigned code of zero.</summary>
    public IReadOnlyList<long> Offsets { get; init; } = [];

    /// <summary>What the smallest code stands for, as the file says; empty where its schema does not.</summary>
    public IReadOnlyList<double> Minima { get; init; } = [];

    /// <summary>What the largest code stands for, as the file says; empty where its schema does not.</summary>
    public IReadOnlyList<double> Maxima { get; init; } = [];

    /// <summary>An encoding with its ends worked out.</summary>
    /// <param name="tensor">The name in the float model.</param>
    /// <param name="bits">8, 16 or 32.</param>
    /// <param name="scales">One, or one per channel.</param>
    /// <param name="zeroPoint">The code of zero in the unsigned type.</param>
    public static TensorEncoding Of(string tensor, int bits, IReadOnlyList<float> scales, long zeroPoint) => new(tensor, bits, false)
    {
        IsSymmetric = zeroPoint == 1L << (bits - 1),
        Scales = [.. scales.Select(scale => (double)scale)],
        Offsets = [.. scales.Select(_ => -zeroPoint)],
        Minima = [.. scales.Select(scale => Low(scale, -zeroPoint))],
        Maxima = [.. scales.Select(scale => High(scale, -zeroPoint, bits))],
    };

    /// <summary>Half floats.</summary>
    public static TensorEncoding Half(string tensor) => new(tensor, 16, true);

    /// <summary>What code 0 stands for.</summary>
    public static double Low(double scale, long offset) => scale * offset;

    /// <summary>What the largest code stands for.</summary>
    public static double High(double scale, long offset, int bits) => scale * (offset + (1L << bits) - 1);
}
