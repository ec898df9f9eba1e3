using LoraOps.Mixing;
using LoraOps.Tensors;
using LoraOps.Writers.Peft;

namespace LoraOps.Transforms;

/// <summary>Cut deltas as modules of a written adapter.</summary>
internal static class Results
{
    /// <summary>The factors with their scale in B; a delta of zeros has rank 1, for there is no rank 0 in PEFT.</summary>
    public static WrittenModule Module(MixedModule module, LowRank factors, double[]? bias) => new()
    {
        Name = module.Name,
        Layer = module.Layer,
        Weight = module.Shape,
        Rank = Math.Max(1, factors.Rank),
        B = factors.Rank == 0 ? new double[factors.Rows] : factors.Scale == 1 ? factors.B : factors.ScaledB(),
        A = factors.Rank == 0 ? new double[factors.Columns] : factors.A,
        Bias = bias,
    };

    /// <summary>What to tell of it.</summary>
    public static ModuleOutcome Outcome(MixedModule module, Truncated result) => new(
        module.Name.Value, module.Shape, Ranks(module), Math.Max(1, result.Factors.Rank),
        Math.Sqrt(result.Energy), result.Error);

    /// <summary>The ranks of the owners' deltas.</summary>
    public static IReadOnlyList<int> Ranks(MixedModule module) => [.. module.Owners.Select(owner => owner.Weight.Delta.Rank)];

    /// <summary>What is known of modules before anything is worked out.</summary>
    public static IReadOnlyList<(string Name, TensorShape Shape, IReadOnlyList<int> Ranks)> Planned(IEnumerable<MixedModule> modules) =>
        [.. modules.Select(module => (module.Name.Value, module.Shape, Ranks(module)))];
}
