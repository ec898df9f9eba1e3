using LoraOps.Problems;

namespace LoraOps.Mixing;

/// <summary>A delta as a product of factors without any loss.</summary>
internal static class ExactFactors
{
    /// <summary>The most rows or columns, whichever are fewer, of a delta that is not a product already.</summary>
    public const int MostRank = 1024;

    /// <summary>The product; of a delta that is none, its elements times an identity.</summary>
    /// <param name="delta">The delta.</param>
    /// <param name="module">The module, for the message.</param>
    /// <param name="method">The method, for the message.</param>
    /// <exception cref="LoraOpsException">It is no product, and too large to become one.</exception>
    public static LowRank Of(DeltaMatrix delta, MixModule module, MixMethod method)
    {
        if (delta is LowRank product)
            return product;

        var rank = Math.Min(delta.Rows, delta.Columns);
        if (rank > MostRank)
            throw new LoraOpsException(MixProblems.NeedsFactors(module.Name.Value, method.Name, (delta.Rows, delta.Columns), MostRank));

        return Of(delta);
    }

    /// <summary>The elements times an identity, on the side where it is smaller: zeros stay zeros.</summary>
    public static LowRank Of(DeltaMatrix delta)
    {
        var rank = Math.Min(delta.Rows, delta.Columns);
        return delta.Columns <= delta.Rows
            ? new LowRank(delta.ToArray(), Dense.Identity(rank), rank, (delta.Rows, delta.Columns))
            : new LowRank(Dense.Identity(rank), delta.ToArray(), rank, (delta.Rows, delta.Columns));
    }
}
