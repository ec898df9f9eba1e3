using LoraOps.Onnx.Chips;
using DataType = LoraOps.Onnx.Proto.TensorProto.Types.DataType;

namespace LoraOps.Onnx.Quantizing;

/// <summary>The codes that activations get on a chip.</summary>
/// <param name="Type">The integer type that holds them.</param>
/// <param name="All">All that the type holds.</param>
/// <param name="Spread">Those that the ends of a range get.</param>
/// <param name="IsSymmetric">True if zero gets the middle code.</param>
public sealed record ActivationCodes(DataType Type, CodeRange All, CodeRange Spread, bool IsSymmetric)
{
    /// <summary>True if they have sixteen bits; such pairs are standard ONNX from opset 21.</summary>
    public bool IsWide => Type is DataType.Int16 or DataType.Uint16;

    /// <summary>The codes of a layer: those of the chip's type, or of its sixteen-bit twin.</summary>
    public static ActivationCodes Of(ActivationScheme scheme, LayerPrecision precision)
    {
        var isWide = precision == LayerPrecision.Int16 || scheme.Type is ActivationType.Int16 or ActivationType.Uint16;
        var isSigned = scheme.Type is ActivationType.Int8 or ActivationType.Int16;
        var (type, all, even) = (isSigned, isWide) switch
        {
            (true, false) => (DataType.Int8, CodeRange.Int8, CodeRange.Int8Symmetric),
            (true, true) => (DataType.Int16, CodeRange.Int16, CodeRange.Int16Symmetric),
            (false, false) => (DataType.Uint8, CodeRange.Uint8, CodeRange.Uint8),
            _ => (DataType.Uint16, CodeRange.Uint16, CodeRange.Uint16),
        };
        return new ActivationCodes(type, all, scheme.Symmetric ? even : all, scheme.Symmetric);
    }

    /// <summary>Spreads a measured range over the codes.</summary>
    public ScaleZeroPoint Map(TensorRange range, double minRealRange) => ScaleZeroPoint.For(range, Spread, IsSymmetric, minRealRange);

    /// <summary>
    /// Spreads a range that an operator fixes, its upper end not included: scale 1/256 for a Softmax of eight bits, 1/65536 for a Sigmoid
    /// of sixteen, as the integer kernels have them.
    /// </summary>
    public ScaleZeroPoint Map(FixedRange range)
    {
        if (IsSymmetric)
            return Map(new TensorRange(range.Min, range.Max), 0);

        var scale = ((double)range.Max - range.Min) / ((double)All.High - All.Low + 1);
        return new ScaleZeroPoint((float)scale, All.Low - (int)Math.Round(range.Min / scale, MidpointRounding.ToEven));
    }
}
