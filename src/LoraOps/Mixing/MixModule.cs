using LoraOps.Adapters;

namespace LoraOps.Mixing;

/// <summary>What one adapter brings to a module.</summary>
/// <param name="Position">The adapter's position among all adapters of the mix, from 0; random numbers depend on it.</param>
/// <param name="Weight">Its weight; may be negative or zero.</param>
/// <param name="Delta">Its true delta.</param>
public sealed record MixShare(int Position, double Weight, DeltaMatrix Delta);

/// <summary>One module of a mix. Adapters that do not hold it are absent: they cast no vote and enter no divisor.</summary>
/// <param name="Name">The module in the base model: random numbers depend on it.</param>
/// <param name="Shares">Its owners in the order of the adapters, at least one; all of one size.</param>
/// <param name="Weights">The weights of all adapters of the mix, owners or not.</param>
public sealed record MixModule(ModuleName Name, IReadOnlyList<MixShare> Shares, IReadOnlyList<double> Weights)
{
    /// <summary>The rows of every delta.</summary>
    public int Rows => Shares[0].Delta.Rows;

    /// <summary>The columns of every delta.</summary>
    public int Columns => Shares[0].Delta.Columns;

    /// <summary>True if every owner's delta is a product of two factors, so that none need be formed.</summary>
    public bool IsLowRank => Shares.All(share => share.Delta is LowRank);

    /// <summary>The same module with other deltas.</summary>
    /// <param name="change">What becomes of an owner's delta; of the same size.</param>
    internal MixModule With(Func<MixShare, DeltaMatrix> change) =>
        this with { Shares = [.. Shares.Select(share => share with { Delta = change(share) })] };

    /// <summary>The same module with deltas that chance has changed.</summary>
    /// <param name="change">What becomes of an owner's delta, given its random numbers.</param>
    /// <param name="seed">The seed of the mix.</param>
    internal MixModule With(Func<MixShare, CounterRandom, DeltaMatrix> change, ulong seed) =>
        With(share => change(share, new CounterRandom(seed, Name.Value, share.Position)));
}
