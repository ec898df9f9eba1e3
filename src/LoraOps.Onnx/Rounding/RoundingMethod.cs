namespace LoraOps.Onnx.Rounding;

/// <summary>How weights become codes.</summary>
public enum RoundingMethod
{
    /// <summary>To the nearest code.</summary>
    Nearest,

    /// <summary><see cref="AdaptiveRounding"/></summary>
    AdaRound,

    /// <summary><see cref="GptqRounding"/></summary>
    Gptq,
}
