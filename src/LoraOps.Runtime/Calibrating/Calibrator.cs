using LoraOps.Onnx.Quantizing;

namespace LoraOps.Runtime.Calibrating;

/// <summary>A way to choose the range of a tensor from the values that it took.</summary>
public abstract class Calibrator
{
    /// <summary>What people and files call it.</summary>
    public abstract string Name { get; }

    /// <summary>What it does, for people.</summary>
    public abstract string Description { get; }

    /// <summary>True if it looks at how often values were seen, not only at the extremes.</summary>
    public abstract bool NeedsCounts { get; }

    /// <summary>A range that lies inside the observed one.</summary>
    /// <param name="seen">What was seen: at least one value, all finite.</param>
    /// <param name="settings">The calibrator's parameters, and the codes that the range will be spread over.</param>
    public TensorRange Choose(TensorHistogram seen, CalibrationSettings settings)
    {
        ArgumentNullException.ThrowIfNull(seen);
        ArgumentNullException.ThrowIfNull(settings);
        return NeedsCounts && seen.IsFine ? Search(seen, settings) : seen.Observed;
    }

    /// <summary>Chooses from counts of at least as many bins as were asked for.</summary>
    protected abstract TensorRange Search(TensorHistogram seen, CalibrationSettings settings);
}
