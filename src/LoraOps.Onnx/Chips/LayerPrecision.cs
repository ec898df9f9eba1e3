using System.Text.Json.Serialization;

namespace LoraOps.Onnx.Chips;

/// <summary>What a layer is computed in.</summary>
public enum LayerPrecision
{
    /// <summary>Eight-bit codes of activations and weights.</summary>
    Int8,

    /// <summary>Sixteen-bit codes of activations.</summary>
    Int16,

    /// <summary>Half precision: the layer stays as it is, and the chip's compiler narrows it.</summary>
    [JsonStringEnumMemberName("fp16")]
    Half,

    /// <summary>Single precision.</summary>
    Float,
}
