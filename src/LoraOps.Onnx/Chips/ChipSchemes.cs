using LoraOps.Problems;

namespace LoraOps.Onnx.Chips;

/// <summary>The ways of quantizing that a profile chooses from, by name.</summary>
public static class ChipSchemes
{
    /// <summary>Activations have ranges that calibration fixed.</summary>
    public const string Static = "static";

    /// <summary>Activations are quantized while the model runs.</summary>
    public const string Dynamic = "dynamic";

    /// <summary>Every name that a profile may list: static, dynamic, and weights-BITS-FORMAT.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [Static, Dynamic, "weights-8-nbits", "weights-4-nbits", "weights-8-qdq", "weights-4-qdq", "weights-8-channel"];

    /// <summary>Refuses a scheme that the chip does not run.</summary>
    /// <param name="chip">The chip.</param>
    /// <param name="scheme">One of <see cref="Names"/>.</param>
    /// <param name="model">The model's file, for messages.</param>
    /// <exception cref="LoraOpsException">Its profile does not list it.</exception>
    public static void Demand(ChipProfile chip, string scheme, string model)
    {
        ArgumentNullException.ThrowIfNull(chip);
        if (!chip.Schemes.Contains(scheme))
            throw new LoraOpsException(SchemeProblems.SchemeUnsupported(model, chip.Name, scheme, chip.Schemes));
    }
}
