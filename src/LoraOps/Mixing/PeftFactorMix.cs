using LoraOps.Adapters;

namespace LoraOps.Mixing;

/// <summary>
/// PEFT's rule: a method is applied to the factors A, and by itself to the factors B, instead of to deltas. With c = w·s the A
/// have the weights sign(c)·√|c|, the B √|c|. It is no sum of deltas: the product has the cross terms B·A of different adapters.
/// </summary>
/// <param name="inner">The method that is applied to each side.</param>
public sealed class PeftFactorMix(MixMethod inner) : MixMethod
{
    /// <inheritdoc/>
    public override string Name => $"peft-{inner.Name}";

    /// <inheritdoc/>
    public override string Definition => $"{inner.Name} of the A by sign(c)·√abs(c) times {inner.Name} of the B by √abs(c), c = w·s; with cross terms";

    /// <inheritdoc/>
    public override string Source => "PEFT add_weighted_adapter";

    /// <inheritdoc/>
    public override string Cost => "(m+n)·R";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Settings => [.. inner.Settings.Intersect(["density", "majority_sign_method", "seed", "rescale"])];

    /// <inheritdoc/>
    public override bool NeedsDensity => inner.NeedsDensity;

    /// <inheritdoc/>
    public override bool NeedsFactors => true;

    /// <inheritdoc/>
    public override bool NeedsEqualRanks => true;

    /// <inheritdoc/>
    public override DeltaMatrix Mix(MixModule module, MixSettings settings)
    {
        var rank = Factors(module.Shares[0]).Rank;
        var a = Side(module, settings, "lora_A", (factors, c) => (Math.CopySign(Math.Sqrt(Math.Abs(c)), c), new HeldMatrix(factors.A, rank, module.Columns)));
        var b = Side(module, settings, "lora_B", (factors, c) => (Math.Sqrt(Math.Abs(c)), new HeldMatrix(factors.B, module.Rows, rank)));
        return new LowRank(b, a, rank, (module.Rows, module.Columns));
    }

    // PEFT elects by unweighted values and divides by their number; random numbers are drawn by the factor's own name.
    private double[] Side(MixModule module, MixSettings settings, string factor, Func<LowRank, double, (double Weight, DeltaMatrix Factor)> of)
    {
        var shares = module.Shares.Select(share =>
        {
            var (weight, matrix) = of(Factors(share), share.Weight * Factors(share).Scale);
            return share with { Weight = weight, Delta = matrix };
        });
        var name = new ModuleName(module.Name.Parameter(factor));
        var plain = settings with { ElectOn = ElectOn.Unweighted, Divisor = Divisor.Count, Lambda = 1, Normalize = false };
        return inner.Mix(module with { Name = name, Shares = [.. shares] }, plain).ToArray();
    }

    private static LowRank Factors(MixShare share) => (LowRank)share.Delta;
}
