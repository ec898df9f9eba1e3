using LoraOps.Mixing;
using LoraOps.Problems;
using LoraOps.Testing;

namespace LoraOps.Tests.Mixing;

/// <summary>Shared directions where they are few, doubled, or not there.</summary>
public sealed class SubspaceMixTests
{
    public static TheoryData<string> Methods => [.. MixSamples.Methods];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Zeros_mix_to_zeros(string method)
    {
        var nothing = new LowRank(new double[12], new double[10], 2, (6, 5));
        Assert.Equal(new double[30], MixSamples.Mix(method, MixSamples.Module((1, nothing), (1, LowRank.Zero(6, 5)))).ToArray());
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void An_adapter_beside_one_of_zeros_is_finite(string method)
    {
        var module = MixSamples.Module((1, MatrixSamples.Random(1, 6, 5, 2)), (1, LowRank.Zero(6, 5)));
        Assert.All(MixSamples.Mix(method, module).ToArray(), value => Assert.True(double.IsFinite(value)));
    }

    // The polar factor of [U U] is [U U]/√2: both halves share the length of one.
    [Fact]
    public void Twins_share_their_directions_under_tsv_m()
    {
        var one = MatrixSamples.Random(2, 20, 15, 3);
        var twins = MixSamples.Mix("tsv-m", MixSamples.Module((0.8, one), (0.6, one)));
        Assert.InRange(MixSamples.Error(twins, new LowRank(one.B, one.A, 3, (20, 15), 0.7)), 0, 1e-12);
    }

    [Theory]
    [InlineData("knots-ties")]
    [InlineData("core-ties")]
    public void Twins_agree_under_ties(string method)
    {
        var one = MatrixSamples.Random(3, 20, 15, 3);
        Assert.InRange(MixSamples.Error(MixSamples.Mix(method, MixSamples.Module((1, one), (1, one))), one), 0, 1e-12);
    }

    [Fact]
    public void Adapters_below_the_floor_of_knots_are_nothing()
    {
        var small = MatrixSamples.Random(4, 6, 5, 2, 1e-8);
        Assert.Equal(0, ((LowRank)MixSamples.Mix("knots-ties", MixSamples.Module((1, small), (1, small)))).Rank);
    }

    // Equal magnitudes differ by rounding: the first counts, or a vote of one against one would be drawn by lot.
    [Theory]
    [InlineData("knots-ties")]
    [InlineData("core-ties")]
    public void Of_equal_entries_the_first_is_positive(string method)
    {
        double[] b = [.. Enumerable.Range(0, 7).SelectMany(row => new[] { row % 2 == 0 ? -0.1 : 0.1, 0 })];
        var (one, other) = (new LowRank(b, [3, 1, 4, 1, 5, 9], 2, (7, 3)), new LowRank(b, [-3, -1, -4, 2, 7, 1], 2, (7, 3)));
        var settings = new MixSettings { Density = 1, MajoritySignMethod = SignVote.Frequency };
        var mixed = MixSamples.Mix(method, MixSamples.Module((1, one), (1, other)), settings).ToArray();

        // One for, one against: + is elected, in the direction whose first entry is +.
        if (method == "knots-ties")
            Assert.Equal([0.3, 0.1, 0.4], mixed[..3].Select(value => Math.Round(value, 12)));

        Assert.All(Enumerable.Range(0, 7), row => Assert.Equal(row % 2 == 0 ? mixed[0] : -mixed[0], mixed[row * 3], 1e-13));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void The_same_module_mixes_to_the_same_bits(string method)
    {
        var module = MixSamples.Random(11, 2);
        Assert.Equal(MixSamples.Mix(method, module).ToArray(), MixSamples.Mix(method, module).ToArray());
    }

    [Theory]
    [InlineData("iso-c")]
    [InlineData("knots-ties")]
    [Raises(ProblemCode.MixNeedsFactors)]
    public void A_large_delta_without_factors_is_refused(string method)
    {
        var module = MixSamples.Module((1, new MatrixSamples.Elements([], 1025, 2048)), (1, MatrixSamples.Random(1, 1025, 2048, 1)));
        var problem = Assert.Single(Assert.Throws<LoraOpsException>(() => MixSamples.Mix(method, module)).Problems);
        Assert.Equal(ProblemCode.MixNeedsFactors, problem.Code);
        Assert.Contains($"layers.0.proj: {method}", problem.ToString(), StringComparison.Ordinal);
        Assert.Contains("1025 x 2048", problem.ToString(), StringComparison.Ordinal);
    }
}
