namespace LoraOps.Merging;

/// <summary>How much a merge changes one tensor. What cannot be compared (a new tensor, another shape) is null.</summary>
/// <param name="Name">Its name in the output.</param>
/// <param name="Elements">How many elements it has.</param>
public sealed record WeightMeasure(string Name, long Elements)
{
    /// <summary>‖W‖: the Frobenius norm of the base's tensor.</summary>
    public double? Norm { get; init; }

    /// <summary>‖ΔW‖: the norm of the change before it is rounded; with PEFT's arithmetic, of the change that is left after it.</summary>
    public double? ChangeNorm { get; init; }

    /// <summary>‖W′ − W − ΔW‖: the norm of what rounding to the output's type does to the change.</summary>
    public double? LossNorm { get; init; }

    /// <summary>How many elements have the very bits that the base has.</summary>
    public long? Unchanged { get; init; }

    /// <summary>‖ΔW‖ / ‖W‖.</summary>
    public double? Ratio => ChangeNorm / Norm;

    /// <summary>The share of elements that rounding leaves unchanged, from 0 to 1.</summary>
    public double? UnchangedShare => Elements == 0 ? null : (double?)Unchanged / Elements;

    /// <summary>How much of the change rounding loses or adds: ‖W′ − W − ΔW‖ / ‖ΔW‖.</summary>
    public double? Loss => LossNorm / ChangeNorm;
}
