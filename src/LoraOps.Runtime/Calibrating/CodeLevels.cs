using LoraOps.Onnx.Chips;

namespace LoraOps.Runtime.Calibrating;

/// <summary>The codes that a chip spreads over a range: what a clipped range is weighed against.</summary>
/// <param name="Count">How many codes the range is spread over.</param>
/// <param name="IsSymmetric">True if the range is made the same on both sides of zero.</param>
public readonly record struct CodeLevels(int Count, bool IsSymmetric)
{
    /// <summary>int8 from −128 to 127 with a zero point of its own.</summary>
    public static CodeLevels Asymmetric8 { get; } = new(256, false);

    /// <summary>int8 from −127 to 127, zero in the middle.</summary>
    public static CodeLevels Symmetric8 { get; } = new(255, true);

    /// <summary>What a chip does with activations: its quantizer spreads them over a signed symmetric range of one code less.</summary>
    public static CodeLevels Of(ActivationScheme scheme)
    {
        ArgumentNullException.ThrowIfNull(scheme);
        var all = scheme.Type is ActivationType.Int16 or ActivationType.Uint16 ? 1 << 16 : 1 << 8;
        var isSigned = scheme.Type is ActivationType.Int8 or ActivationType.Int16;
        return new CodeLevels(scheme.Symmetric && isSigned ? all - 1 : all, scheme.Symmetric);
    }
}
