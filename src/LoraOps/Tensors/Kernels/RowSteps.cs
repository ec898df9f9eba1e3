namespace LoraOps.Tensors.Kernels;

/// <summary>Rows that lie apart: parts of the rows of larger matrices.</summary>
/// <param name="Count">The rows.</param>
/// <param name="Weights">The elements from one row of the weights to the next.</param>
/// <param name="Coefficients">The elements from one row of the coefficients to the next.</param>
public readonly record struct RowSteps(int Count, int Weights, int Coefficients)
{
    /// <summary>The elements from the first row of the weights to the end of the last.</summary>
    internal int WeightsLength(int columns) => checked(((Count - 1) * Weights) + columns);

    /// <summary>The elements from the first row of the coefficients to the end of the last.</summary>
    internal int CoefficientsLength(int rank) => checked(((Count - 1) * Coefficients) + rank);
}
