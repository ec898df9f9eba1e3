using LoraOps.Mixing;

namespace LoraOps.Tests.Mixing;

/// <summary>What must hold of a mix whatever the numbers are, and which methods do not have a law that one might expect.</summary>
public sealed class MixLawTests
{
    private const int Seeds = 25;

    [Theory]
    [InlineData("cat")]
    [InlineData("sum-svd")]
    [InlineData("linear")]
    [InlineData("task-arithmetic")]
    [InlineData("model-stock")]
    [InlineData("tsv-m")]
    [InlineData("knots-ties")]
    [InlineData("core-ties")]
    public void One_adapter_of_weight_one_is_itself(string method) => ForSeeds(seed =>
    {
        var only = MixSamples.Random(seed, 1).Shares[0].Delta;
        Near(MixSamples.Mix(method, MixSamples.Module((1, only))), only);
    });

    [Fact]
    public void One_adapter_keeps_its_directions_under_iso_c_and_its_strengths_become_their_mean() => ForSeeds(seed =>
    {
        var only = MixSamples.Random(seed, 1).Shares[0].Delta;
        var (before, after) = (ThinSvd.Of((LowRank)only), ThinSvd.Of((LowRank)MixSamples.Mix("iso-c", MixSamples.Module((1, only)))));
        Assert.All(after.Sigma, sigma => Assert.Equal(before.Sigma.Average(), sigma, 1e-10 * before.Sigma[0]));
        Assert.Equal(before.Rank, after.Rank);
    });

    [Theory]
    [InlineData("slerp")]
    [InlineData("nuslerp")]
    public void The_ways_from_one_adapter_to_the_other_begin_and_end_at_them(string method) => ForSeeds(seed =>
    {
        var module = MixSamples.Random(seed, 2);
        var (first, second) = (module.Shares[0].Delta, module.Shares[1].Delta);
        foreach (var granularity in Enum.GetValues<Granularity>())
        {
            Near(MixSamples.Mix(method, MixSamples.Module((1, first), (0, second)), new MixSettings { T = 0, Granularity = granularity }), first);
            Near(MixSamples.Mix(method, MixSamples.Module((0, first), (1, second)), new MixSettings { T = 1, Granularity = granularity }), second);
        }
    });

    [Theory]
    [InlineData("slerp", 0)]
    [InlineData("slerp", 1)]
    [InlineData("nuslerp", 0)]
    [InlineData("nuslerp", 1)]
    public void An_adapter_without_the_module_counts_as_zero_on_the_way(string method, int owner)
    {
        var delta = MatrixSamples.Random(3, 6, 9, 2);
        var module = new MixModule(new("m"), [new MixShare(owner, 0.5, delta)], [0.75, 0.25]);
        var share = owner == 0 ? 0.75 : 0.25;
        Near(MixSamples.Mix(method, module, new MixSettings { T = 0.25 }), new LowRank(delta.B, delta.A, 2, (6, 9), share));
    }

    [Theory]
    [InlineData("cat")]
    [InlineData("sum-svd")]
    [InlineData("linear")]
    [InlineData("task-arithmetic")]
    [InlineData("iso-c")]
    public void An_adapter_of_weight_zero_is_not_there(string method) => ForSeeds(seed =>
    {
        var module = MixSamples.Random(seed, 3);
        var without = MixSamples.Module([.. module.Shares.Take(2).Select(share => (share.Weight, share.Delta))]);
        var with = MixSamples.Module([.. without.Shares.Select(share => (share.Weight, share.Delta)), (0, module.Shares[2].Delta)]);
        Near(MixSamples.Mix(method, with, MixSamples.Settings(seed)), MixSamples.Mix(method, without, MixSamples.Settings(seed)));
    });

    // Their bases, votes or angles know every owner; a weight of zero only takes its values away.
    [Theory]
    [InlineData("tsv-m")]
    [InlineData("knots-ties")]
    [InlineData("core-ties")]
    [InlineData("model-stock")]
    public void An_adapter_of_weight_zero_still_turns_the_others(string method)
    {
        var (one, two, three) = (MatrixSamples.Random(1, 12, 10, 2), MatrixSamples.Random(2, 12, 10, 2), MatrixSamples.Random(3, 12, 10, 2));
        var settings = new MixSettings { Density = 0.5 };
        var without = MixSamples.Mix(method, MixSamples.Module((1, one), (0.5, two)), settings);
        Assert.True(MixSamples.Error(MixSamples.Mix(method, MixSamples.Module((1, one), (0.5, two), (0, three)), settings), without) > 1e-3);
    }

    [Theory]
    [InlineData("cat")]
    [InlineData("sum-svd")]
    [InlineData("linear")]
    [InlineData("task-arithmetic")]
    [InlineData("model-stock")]
    [InlineData("iso-c")]
    [InlineData("tsv-m")]
    [InlineData("knots-ties")]
    [InlineData("core-ties")]
    public void The_order_of_adapters_does_not_matter(string method) => ForSeeds(seed =>
    {
        var module = MixSamples.Random(seed, 3);
        var turned = MixSamples.Module([.. module.Shares.Skip(1).Append(module.Shares[0]).Select(share => (share.Weight, share.Delta))]);
        Near(MixSamples.Mix(method, turned, MixSamples.Settings(seed)), MixSamples.Mix(method, module, MixSamples.Settings(seed)));
    });

    [Theory]
    [InlineData("slerp")]
    [InlineData("nuslerp")]
    public void The_way_back_is_the_same_way(string method) => ForSeeds(seed =>
    {
        var module = MixSamples.Random(seed, 2);
        var turned = MixSamples.Module([.. module.Shares.Reverse().Select(share => (share.Weight, share.Delta))]);
        var there = new MixSettings { T = 0.3, Granularity = (Granularity)(seed % 3) };
        Near(MixSamples.Mix(method, turned, there with { T = 0.7 }), MixSamples.Mix(method, module, there));
    });

    [Theory]
    [InlineData("cat")]
    [InlineData("sum-svd")]
    [InlineData("linear")]
    [InlineData("task-arithmetic")]
    public void The_sum_is_the_sum_of_the_elements(string method) => ForSeeds(seed =>
    {
        var module = MixSamples.Random(seed, 1 + (seed % 4), seed % 2);
        var sum = new double[module.Rows * module.Columns];
        foreach (var share in module.Shares)
            sum = [.. sum.Zip(share.Delta.ToArray(), (a, b) => a + (share.Weight * b))];

        Near(MixSamples.Mix(method, module), new MatrixSamples.Elements(sum, module.Rows, module.Columns));
    });

    // tsv-m as well: its weights only multiply singular values.
    [Theory]
    [InlineData("cat")]
    [InlineData("sum-svd")]
    [InlineData("linear")]
    [InlineData("task-arithmetic")]
    [InlineData("tsv-m")]
    public void A_mix_is_linear_in_the_weights(string method) => ForSeeds(seed =>
    {
        var module = MixSamples.Random(seed, 3);
        double[] other = [0.3, -1.1, 0.8];
        var settings = new MixSettings { Lambda = 0.7 };
        var one = MixSamples.Mix(method, module, settings);
        var two = MixSamples.Mix(method, Weighted(module, at => other[at]), settings);
        Near(MixSamples.Mix(method, Weighted(module, at => (2 * module.Weights[at]) - (3 * other[at])), settings), Sum((2, one), (-3, two)));
    });

    [Theory]
    [InlineData("slerp")]
    [InlineData("model-stock")]
    public void Weights_are_not_used(string method)
    {
        var module = MixSamples.Random(4, 2);
        Assert.Equal(MixSamples.Mix(method, module).ToArray(), MixSamples.Mix(method, Weighted(module, at => at - 5)).ToArray());
    }

    [Theory]
    [InlineData("linear")]
    [InlineData("task-arithmetic")]
    public void Normalized_weights_need_not_sum_to_one_and_a_sum_of_zero_divides_by_one(string method)
    {
        var module = MixSamples.Random(7, 3);
        var settings = new MixSettings { Normalize = true };
        Near(MixSamples.Mix(method, Weighted(module, _ => 5), settings), MixSamples.Mix(method, Weighted(module, _ => 1.0 / 3)));
        Near(MixSamples.Mix(method, Weighted(module, at => at - 1), settings), MixSamples.Mix(method, Weighted(module, at => at - 1)));
    }

    [Theory]
    [InlineData("cat")]
    [InlineData("sum-svd")]
    [InlineData("linear")]
    [InlineData("task-arithmetic")]
    [InlineData("slerp")]
    [InlineData("nuslerp")]
    [InlineData("model-stock")]
    [InlineData("iso-c")]
    [InlineData("tsv-m")]
    [InlineData("knots-ties")]
    public void It_does_not_matter_how_the_factors_share_their_scale(string method) => ForSeeds(seed =>
    {
        var module = MixSamples.Random(seed, 2);
        var (one, other) = (module.Shares[0], module.Shares[1]);
        var moved = MixSamples.Module((one.Weight, Moved((LowRank)one.Delta, 1e3)), (other.Weight, Moved((LowRank)other.Delta, -0.07)));
        Near(MixSamples.Mix(method, moved, MixSamples.Settings(seed)), MixSamples.Mix(method, module, MixSamples.Settings(seed)));
    });

    // Its bases are those of the factors: scale counts with B, and what the factors share between them shows.
    [Fact]
    public void Core_ties_depends_on_how_the_factors_share_their_scale()
    {
        var (one, other) = (MatrixSamples.Random(1, 12, 10, 2), MatrixSamples.Random(2, 12, 10, 2));
        var settings = new MixSettings { Density = 0.5 };
        var mixed = MixSamples.Mix("core-ties", MixSamples.Module((1, one), (1, other)), settings);
        Near(MixSamples.Mix("core-ties", MixSamples.Module((1, Moved(one, 4)), (1, Moved(other, 4))), settings), mixed);
        Assert.True(MixSamples.Error(MixSamples.Mix("core-ties", MixSamples.Module((1, Moved(one, 4)), (1, other)), settings), mixed) > 1e-3);
    }

    private static void ForSeeds(Action<int> law)
    {
        for (var seed = 0; seed < Seeds; seed++)
            law(seed);
    }

    private static void Near(DeltaMatrix found, DeltaMatrix wanted) => Assert.InRange(MixSamples.Error(found, wanted), 0, 1e-9);

    private static MixModule Weighted(MixModule module, Func<int, double> weight) =>
        MixSamples.Module([.. module.Shares.Select((share, at) => (weight(at), share.Delta))]);

    private static DeltaMatrix Sum(params (double Weight, DeltaMatrix Delta)[] terms) => MixSamples.Mix("cat", MixSamples.Module(terms));

    private static LowRank Moved(LowRank delta, double c) => new(
        [.. delta.B.Select(value => value / c)], [.. delta.A.Select(value => value * c)], delta.Rank, (delta.Rows, delta.Columns), delta.Scale);
}
