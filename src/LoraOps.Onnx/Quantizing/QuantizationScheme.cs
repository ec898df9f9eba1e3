namespace LoraOps.Onnx.Quantizing;

/// <summary>What becomes integers, and when.</summary>
public enum QuantizationScheme
{
    /// <summary>Weights now, activations by ranges that calibration fixed.</summary>
    Static,

    /// <summary>Weights now, activations while the model runs.</summary>
    Dynamic,

    /// <summary>Weights only.</summary>
    Weights,
}
