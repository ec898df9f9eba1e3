namespace LoraOps.Onnx.Rounding;

/// <summary>Σ x·xᵀ over the inputs of a layer, for each group of its output channels: what the error of a layer's outputs depends on.</summary>
public sealed class SecondMoment
{
    private readonly double[][] _groups;

    /// <param name="groups">One symmetric matrix [columns, columns] per group, row-major.</param>
    /// <param name="columns">The elements that an output channel multiplies.</param>
    public SecondMoment(double[][] groups, int columns)
    {
        ArgumentNullException.ThrowIfNull(groups);
        if (groups.Any(group => group.Length != columns * columns))
            throw new ArgumentException($"A group has not {columns} × {columns} elements.", nameof(groups));

        _groups = groups;
        Columns = columns;
    }

    /// <summary>The length of an input.</summary>
    public int Columns { get; }

    /// <summary>The groups of output channels.</summary>
    public int Groups => _groups.Length;

    /// <summary>The matrix of a group.</summary>
    public double[] Matrix(int group) => _groups[group];

    /// <summary>The group of an output channel.</summary>
    public int GroupOf(int row, int rows) => row / (rows / Groups);

    /// <summary>‖(W − Ŵ)·x‖² summed over the inputs.</summary>
    /// <param name="layer">The weights.</param>
    /// <param name="codes">Their codes, [rows, columns].</param>
    public double Error(RoundingLayer layer, int[] codes)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(codes);
        var sum = 0.0;
        for (var row = 0; row < layer.Rows; row++)
            sum += Error(layer, row, codes.AsSpan(row * Columns, Columns));

        return sum;
    }

    /// <summary>The same of one output channel.</summary>
    public double Error(RoundingLayer layer, int row, ReadOnlySpan<int> codes)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return RowError.Of(layer, row, codes, Matrix(GroupOf(row, layer.Rows))).Value;
    }
}
