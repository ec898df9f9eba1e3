namespace LoraOps.Mixing;

/// <summary>Σ c · Δ with coefficients for the whole matrix, for each row or for each column.</summary>
internal static class GroupedSum
{
    /// <summary>How many groups a matrix has: 1, its rows or its columns.</summary>
    public static int Groups(DeltaMatrix delta, Granularity granularity) => granularity switch
    {
        Granularity.Row => delta.Rows,
        Granularity.Column => delta.Columns,
        _ => 1,
    };

    /// <summary>The sum: factors one beside the other where all are products, else worked out when read.</summary>
    /// <param name="deltas">At least one, all of one size.</param>
    /// <param name="coefficients">[deltas][groups]</param>
    /// <param name="granularity">What a group is.</param>
    public static DeltaMatrix Of(IReadOnlyList<DeltaMatrix> deltas, IReadOnlyList<double[]> coefficients, Granularity granularity) =>
        SummedDelta.Of([.. deltas.Select((delta, at) => granularity switch
        {
            Granularity.Row => (1.0, ScaledDelta.ByRow(delta, coefficients[at])),
            Granularity.Column => (1.0, ScaledDelta.ByColumn(delta, coefficients[at])),
            _ => (coefficients[at][0], delta),
        })]);
}
