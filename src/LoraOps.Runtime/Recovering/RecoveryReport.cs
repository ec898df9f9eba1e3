using LoraOps.Onnx.Recovering;

namespace LoraOps.Runtime.Recovering;

/// <summary>What was done to keep the accuracy, and to which layers.</summary>
public sealed record RecoveryReport
{
    /// <summary>Nothing was done.</summary>
    public static RecoveryReport Empty { get; } = new();

    /// <summary>Activations that were looked at for smoothing, in graph order.</summary>
    public IReadOnlyList<SmoothedActivation> Smoothed { get; init; } = [];

    /// <summary>Values between layers that were equalised.</summary>
    public IReadOnlyList<EqualizedValue> Equalized { get; init; } = [];

    /// <summary>Layers whose codes were chosen on data.</summary>
    public IReadOnlyList<RoundedLayer> Rounded { get; init; } = [];

    /// <summary>Layers whose mean was brought back.</summary>
    public IReadOnlyList<CorrectedBias> Corrected { get; init; } = [];

    /// <summary>Nodes that were put in and must stay float.</summary>
    public IReadOnlyList<string> FloatNodes { get; init; } = [];
}
