using LoraOps.Onnx.Chips;

namespace LoraOps.Onnx.Quantizing;

/// <summary>Where one model departs from what its chip's profile says of all.</summary>
public sealed record QuantizationSettings
{
    /// <summary>What nodes are computed in, by name; all others in the first precision of the profile.</summary>
    public IReadOnlyDictionary<string, LayerPrecision> Precisions { get; init; } =
        new Dictionary<string, LayerPrecision>(StringComparer.Ordinal);

    /// <summary>
    /// Codes of weights, by node, that were chosen by calibration data instead of rounding to the nearest: in the weight's own order, for
    /// the scales of <see cref="StaticQuantizer.WeightsOf"/>.
    /// </summary>
    public IReadOnlyDictionary<string, sbyte[]> Codes { get; init; } = new Dictionary<string, sbyte[]>(StringComparer.Ordinal);

    /// <summary>The model is only measured: it is neither slimmed nor held against the chip's rules.</summary>
    public bool IsTrial { get; init; }
}
