using System.Globalization;
using LoraOps.Onnx.Recovering;
using LoraOps.Onnx.Rounding;

namespace LoraOps.Runtime.Recovering;

/// <summary>What is done to keep a model's accuracy in int8.</summary>
public sealed record RecoverySettings
{
    /// <summary>Nothing.</summary>
    public static RecoverySettings None { get; } = new();

    /// <summary>Smooth activations; null not to.</summary>
    public SmoothSettings? Smooth { get; init; }

    /// <summary>Equalise the channels between layers.</summary>
    public bool Equalize { get; init; }

    /// <summary>Bring the mean of each layer's outputs back.</summary>
    public bool CorrectBias { get; init; }

    /// <summary>How weights become codes.</summary>
    public RoundingMethod Rounding { get; init; }

    /// <summary>All of it in one line, equal for equal settings.</summary>
    public string Spelling => string.Create(
        CultureInfo.InvariantCulture,
        $"smooth {(Smooth is null ? "no" : $"{Smooth.Alpha:R} {Smooth.MayInsert}")} equalize {Equalize} bias {CorrectBias} rounding {Rounding}");
}
