using LoraOps.Adapters;
using LoraOps.Mixing;
using LoraOps.Tensors;

namespace LoraOps.Transforms;

/// <summary>One owner of a module: an adapter's delta of its weight, and of its bias if it has one.</summary>
/// <param name="Position">The adapter's position in the mix.</param>
/// <param name="Weight">The module's weight delta.</param>
/// <param name="Bias">What is added to its bias, or null.</param>
internal sealed record Owner(int Position, AdapterModule Weight, AdapterModule? Bias);

/// <summary>A module of the new adapter and who brings what to it.</summary>
/// <param name="Name">The layer.</param>
/// <param name="Layer">What it computes.</param>
/// <param name="Shape">Its weight's shape in PyTorch's layout.</param>
/// <param name="Owners">The adapters that hold it, in their order.</param>
internal sealed record MixedModule(ModuleName Name, LayerKind Layer, TensorShape Shape, IReadOnlyList<Owner> Owners)
{
    /// <summary>The canonical rows.</summary>
    public int Rows => checked((int)(Layer == LayerKind.Embedding ? Shape[1] : Shape[0]));

    /// <summary>The canonical columns.</summary>
    public int Columns => checked((int)(Shape.ElementCount / Rows));

    /// <summary>The sum of the ranks, or 0 if an owner's delta is no product.</summary>
    public int RankSum => Owners.All(owner => owner.Weight.Delta is { IsProduct: true, Rank: > 0 }) ? Owners.Sum(owner => owner.Weight.Delta.Rank) : 0;
}

/// <summary>What came of one module.</summary>
/// <param name="Name">The layer.</param>
/// <param name="Shape">Its weight's shape in PyTorch's layout.</param>
/// <param name="Ranks">The ranks of its owners' deltas, in the order of the adapters; 0 for one without.</param>
/// <param name="Rank">The rank that was written.</param>
/// <param name="Norm">The Frobenius norm of the result before it was cut.</param>
/// <param name="Error">The Frobenius norm of what was cut off, relative to <paramref name="Norm"/>.</param>
public sealed record ModuleOutcome(string Name, TensorShape Shape, IReadOnlyList<int> Ranks, int Rank, double Norm, double Error)
{
    /// <summary>The share of the squared norm that is kept.</summary>
    public double Energy => 1 - (Error * Error);
}
