using LoraOps.Onnx.Chips;

namespace LoraOps.Onnx.HandOff;

/// <summary>A node of the float model that a chip may compute in integers, and what became of it.</summary>
/// <param name="Name">The node's name.</param>
/// <param name="Op">Its operator.</param>
/// <param name="Precision">What the quantized model computes it in.</param>
public sealed record HandOffLayer(string Name, string Op, LayerPrecision Precision)
{
    /// <summary>True if somebody chose the precision for this node; false if it is the chip's usual one, or float for want of codes.</summary>
    public bool IsChosen { get; init; }

    /// <summary>The first value that it reads.</summary>
    public required string Activation { get; init; }

    /// <summary>What comes out.</summary>
    public required string Output { get; init; }

    /// <summary>The codes of <see cref="Activation"/>; null if the layer reads floats.</summary>
    public QuantizedActivation? Codes { get; init; }

    /// <summary>The weight in the float model; null for a product of two activations and for other operators.</summary>
    public string? Weight { get; init; }

    /// <summary>One scale, or one per output channel; empty if the weight stays float.</summary>
    public IReadOnlyList<float> WeightScales { get; init; } = [];

    /// <summary>True if activation and weight are quantized.</summary>
    public bool IsQuantized => Precision is LayerPrecision.Int8 or LayerPrecision.Int16;
}
