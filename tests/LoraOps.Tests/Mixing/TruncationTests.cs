using LoraOps.Mixing;

namespace LoraOps.Tests.Mixing;

public sealed class TruncationTests
{
    public static TheoryData<string> Goldens => [.. GoldenMixCase.All().Where(name => GoldenMixCase.MethodOf(name) == "sum_svd")];

    [Theory]
    [MemberData(nameof(Goldens))]
    public void Meets_the_golden_truth_and_spectrum(string name)
    {
        using var golden = GoldenMixCase.Of(name);
        foreach (var module in golden.Modules())
        {
            var sum = new CatMix().Mix(module, golden.Settings);
            var (cut, truth, sigma) = (Truncation.Of(sum, RankRule.Of(golden.Settings)), golden.Truth(module.Name), golden.SingularValues(module.Name));
            var found = cut.Factors.ToArray();
            Assert.True(Norm(found.Zip(truth, (a, b) => a - b)) <= 1e-12 * Norm(truth), module.Name.Value);
            Assert.Equal(Norm(sigma.Skip(cut.Sigma.Count)) / Norm(sigma), cut.Error, 1e-12);
            Assert.All(cut.Sigma.Zip(sigma), pair => Assert.Equal(pair.Second, pair.First, 1e-12 * sigma[0]));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_error_is_the_optimal_one_and_is_told(int seed)
    {
        foreach (var delta in Both(MatrixSamples.Random(seed, 30 + seed, 44, 20)))
        {
            var sigma = MatrixSamples.Dense(delta).Svd(false).S;
            for (var rank = 1; rank < 20; rank += 3)
            {
                var cut = Truncation.Of(delta, new RankRule(rank));
                Assert.Equal(rank, cut.Factors.Rank);
                Assert.Equal(Norm(sigma.Skip(rank)), MatrixSamples.Distance(delta, cut.Factors), 1e-12 * sigma[0]);
                Assert.Equal(Norm(sigma.Skip(rank)) / Norm(sigma), cut.Error, 1e-12);
                Assert.Equal(Norm(sigma) * Norm(sigma), cut.Energy, 1e-11 * cut.Energy);
                var again = Truncation.Of(cut.Factors, new RankRule(rank));
                Assert.True(MatrixSamples.Distance(cut.Factors, again.Factors) <= 1e-13 * sigma[0]);
                Assert.True(again.IsExact);
            }
        }
    }

    [Theory]
    [InlineData(0.5)]
    [InlineData(0.9)]
    [InlineData(0.999)]
    [InlineData(1.0)]
    public void An_energy_takes_the_fewest_directions_that_hold_it(double energy)
    {
        foreach (var delta in Both(MatrixSamples.Random(4, 25, 35, 12)))
        {
            var sigma = MatrixSamples.Dense(delta).Svd(false).S.Take(12).ToArray();
            var total = sigma.Sum(value => value * value);
            var expected = Enumerable.Range(1, 12).First(count => count == 12 || sigma.Take(count).Sum(value => value * value) >= energy * total);
            var cut = Truncation.Of(delta, new RankRule(null, energy));
            Assert.Equal(expected, cut.Factors.Rank);
            Assert.True(cut.Kept >= energy - 1e-12);
            Assert.Equal(2, Truncation.Of(delta, new RankRule(2, energy)).Factors.Rank);
        }
    }

    [Fact]
    public void Without_a_rule_nothing_changes()
    {
        var product = MatrixSamples.Random(5, 9, 8, 3);
        Assert.Same(product, Truncation.Of(product, RankRule.Exact).Factors);
        foreach (var (rows, columns) in new[] { (6, 9), (9, 6) })
        {
            var values = MatrixSamples.Values(new Random(6), 54);
            values[7] = 0;
            var cut = Truncation.Of(new MatrixSamples.Elements(values, rows, columns), RankRule.Exact);
            Assert.Equal(values, cut.Factors.ToArray());
            Assert.Equal((6, true), (cut.Factors.Rank, cut.IsExact));
            Assert.Equal(values.Sum(value => value * value), cut.Energy, 1e-12);
        }
    }

    [Fact]
    public void More_factors_than_rows_are_reduced_to_them()
    {
        var wide = MatrixSamples.Random(7, 4, 30, 11);
        var cut = Truncation.Of(wide, RankRule.Exact);
        Assert.Equal(4, cut.Factors.Rank);
        Assert.True(MatrixSamples.Distance(wide, cut.Factors) <= 1e-13 * cut.Sigma[0]);
    }

    [Fact]
    public void Zeros_are_held_by_no_direction()
    {
        foreach (var delta in Both(new LowRank(new double[12], new double[10], 2, (6, 5))))
        {
            var cut = Truncation.Of(delta, new RankRule(3, 0.9));
            Assert.Equal((0, 0.0, 0.0, 1.0), (cut.Factors.Rank, cut.Energy, cut.Error, cut.Kept));
        }
    }

    private static DeltaMatrix[] Both(LowRank delta) => [delta, new MatrixSamples.Elements(delta.ToArray(), delta.Rows, delta.Columns)];

    private static double Norm(IEnumerable<double> values) => Math.Sqrt(values.Sum(value => value * value));
}
