namespace LoraOps.Runtime.Parity;

/// <summary>How sure it is that an adapter is still in a quantized layer.</summary>
public enum SurvivalVerdict
{
    /// <summary>Its change stands out of the rounding.</summary>
    Kept,

    /// <summary>Its change is about as large as the rounding: the effect on the outputs decides.</summary>
    Doubtful,

    /// <summary>Its change is buried in the rounding.</summary>
    Buried,
}

/// <summary>Whether the adapter's change of each layer, and its effect on the outputs, outlived quantization.</summary>
public sealed record SurvivalReport
{
    /// <summary>One for each layer whose weight the adapter changed, in graph order; empty where weights cannot be compared.</summary>
    public IReadOnlyList<ModuleSurvival> Modules { get; init; } = [];

    /// <summary>
    /// cos(candidate − base candidate, reference − base) over all outputs and samples; the smallest of several outputs; null if not measured.
    /// </summary>
    public double? EffectCosine { get; init; }

    /// <summary>|candidate − base candidate| / |reference − base| of the same output; null if not measured.</summary>
    public double? EffectRatio { get; init; }

    /// <summary>The effect on each output.</summary>
    public IReadOnlyList<OutputEffect> Effects { get; init; } = [];

    /// <summary>What the candidate's effect is measured from, in words: a quantized base, or the float one.</summary>
    public string Origin { get; init; } = "";
}

/// <summary>The adapter's effect on one output.</summary>
/// <param name="Output">The output.</param>
/// <param name="Cosine">Between the effect in the candidate and the effect in the reference; NaN if a value is not finite.</param>
/// <param name="Ratio">Their norms' ratio; NaN as well.</param>
public sealed record OutputEffect(string Output, double Cosine, double Ratio);

/// <summary>
/// What quantization leaves of an adapter's change in one layer: ΔW = W' − W of the float models, ΔQ the same of the dequantized weights.
/// </summary>
public sealed record ModuleSurvival
{
    /// <summary>The layer, as exporters call its module; else its node.</summary>
    public required string Module { get; init; }

    /// <summary>The candidate's node.</summary>
    public required string Node { get; init; }

    /// <summary>cos(ΔQ, ΔW); 0 if no code changed.</summary>
    public required double DeltaCosine { get; init; }

    /// <summary>ρ = ⟨ΔQ, ΔW⟩ / |ΔW|²: near 1 whatever the noise, so it is no gate.</summary>
    public required double Rho { get; init; }

    /// <summary>10 log10(mean ΔW² / (s²/12)) in dB of each output channel's scale s; the whole layer's. Infinite in float.</summary>
    public required double SnrDelta { get; init; }

    /// <summary>The smallest of any output channel that the adapter changes.</summary>
    public required double SmallestSnrDelta { get; init; }

    /// <summary>The share of codes that differ between the two quantized weights, 0…1.</summary>
    public required double ChangedCodes { get; init; }

    /// <summary>The greatest max|W'| / max|W| of an output channel: above 1 the base's scale would clip.</summary>
    public required double ScaleRatio { get; init; }

    /// <summary>The share of W' that lies beyond what its scale can hold, 0…1.</summary>
    public required double ClippedShare { get; init; }

    /// <summary>What follows.</summary>
    public required SurvivalVerdict Verdict { get; init; }
}
