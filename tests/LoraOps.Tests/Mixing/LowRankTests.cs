using LoraOps.Mixing;
using LoraOps.Testing;

namespace LoraOps.Tests.Mixing;

/// <summary>The elements of a product are s·(B·A): which of them are equal, or opposite, does not depend on the scale.</summary>
[Trait("Category", ScalarRun.Category)]
public sealed class LowRankTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(-0.25)]
    [InlineData(0.1)]
    [InlineData(1.3333333333333333)]
    [InlineData(0.44721359549995793)]
    [InlineData(0)]
    public void Its_elements_are_those_of_the_factors_times_the_scale(double scale)
    {
        var random = new Random(7);
        var (b, a) = (Grid(random, 13 * 5), Grid(random, 5 * 37));
        var expected = new double[13 * 37];
        for (var at = 0; at < expected.Length; at++)
            expected[at] = scale * Enumerable.Range(0, 5).Sum(inner => b[(at / 37 * 5) + inner] * a[(inner * 37) + (at % 37)]);

        Assert.Equal(expected, new LowRank(b, a, 5, (13, 37), scale).ToArray());
    }

    // Such sums are exact, and many are equal.
    private static double[] Grid(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (double)random.Next(-2, 3))];
}
