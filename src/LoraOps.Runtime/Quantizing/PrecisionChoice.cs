using LoraOps.Onnx.Chips;
using LoraOps.Problems;
using LoraOps.Runtime.Parity;

namespace LoraOps.Runtime.Quantizing;

/// <summary>How much the model's outputs suffer from one layer alone.</summary>
/// <param name="Node">The layer's node.</param>
/// <param name="Op">Its operator.</param>
/// <param name="Sqnr">Signal to noise in dB on the model's worst output, when this node alone is quantized.</param>
public sealed record LayerSensitivity(string Node, string Op, double Sqnr);

/// <summary>A layer that must be computed more exactly for the gates to pass.</summary>
/// <param name="Node">The layer's node.</param>
/// <param name="Op">Its operator.</param>
/// <param name="Precision">What it is computed in.</param>
/// <param name="Sqnr">Signal to noise in dB on the model's worst output, when this node alone is quantized.</param>
/// <param name="Without">The gate that is missed without it, and its value: the reason.</param>
public sealed record LiftedLayer(string Node, string Op, LayerPrecision Precision, double Sqnr, string Without);

/// <summary>The cheapest mix of precisions that was found.</summary>
/// <param name="Lifted">The layers that are lifted, in graph order; taking any of them back misses a gate.</param>
/// <param name="Layers">The sensitivities that were measured, the worst first; empty if the gates passed without.</param>
/// <param name="Report">The parity of the mix; null if nothing was reached.</param>
/// <param name="Results">The gates, all passed.</param>
public sealed record PrecisionChoice(
    IReadOnlyList<LiftedLayer> Lifted, IReadOnlyList<LayerSensitivity> Layers, ParityReport? Report, IReadOnlyList<GateResult> Results)
{
    /// <summary>Why what the chip's profile asks for cannot be reached by lifting; empty if it was.</summary>
    public IReadOnlyList<Problem> OutOfReach { get; init; } = [];
}
