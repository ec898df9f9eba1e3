namespace LoraOps.Onnx.Branches;

/// <summary>Where the samples of a batch are in a value.</summary>
/// <param name="Rank">The value's number of dimensions, or null if it is not known.</param>
/// <param name="Axis">The axis that the samples lie along; null if it is not known.</param>
internal readonly record struct BatchLayout(int? Rank, int? Axis)
{
    /// <summary>Nothing is known.</summary>
    public static BatchLayout Unknown => default;

    /// <summary>True if the value is the same for every sample.</summary>
    public bool IsShared { get; init; }

    /// <summary>True if axis 0 may count more than the samples: [batch · sequence, …], samples outermost.</summary>
    public bool IsFlat { get; init; }

    /// <summary>True if a sample's elements are found.</summary>
    public bool IsSampled => !IsShared && Axis is not null;

    /// <summary>A value that does not depend on the samples.</summary>
    public static BatchLayout Shared(int? rank) => new(rank, null) { IsShared = true };
}
