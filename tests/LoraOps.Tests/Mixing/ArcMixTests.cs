using LoraOps.Mixing;
using LoraOps.Testing;

namespace LoraOps.Tests.Mixing;

/// <summary>Angles at their thresholds, where rounding decides.</summary>
[Trait("Category", ScalarRun.Category)]
public sealed class ArcMixTests
{
    [Fact]
    public void A_point_of_the_arc_of_two_unit_vectors_has_the_angle_t_of_theirs()
    {
        for (var step = 1; step < 200; step++)
        {
            var angle = Math.PI * step / 200;
            var (first, second) = (Vector(1, 0), Vector(Math.Cos(angle), Math.Sin(angle)));
            foreach (var t in new[] { 0.0, 0.125, 0.5, 0.9, 1.0 })
            {
                var point = MixSamples.Mix("nuslerp", MixSamples.Module((1 - t, first), (t, second))).ToArray();
                Assert.Equal(Math.Cos(t * angle), point[0], 5e-15 / Math.Sin(angle));
                Assert.Equal(Math.Sin(t * angle), point[1], 5e-15 / Math.Sin(angle));
            }
        }
    }

    // t far outside 0 … 1: the sine of large angles.
    [Fact]
    public void Weights_of_opposite_signs_go_around_the_circle()
    {
        var (angle, t) = (1.1, 0.5 / (0.5 - 0.499));
        var point = MixSamples.Mix("nuslerp", MixSamples.Module((-0.499, Vector(1, 0)), (0.5, Vector(Math.Cos(angle), Math.Sin(angle))))).ToArray();
        Assert.Equal(Math.Cos(t * angle), point[0], 1e-10);
        Assert.Equal(Math.Sin(t * angle), point[1], 1e-10);
    }

    [Theory]
    [InlineData(0.999501, true)]
    [InlineData(0.999499, false)]
    [InlineData(-0.999501, true)]
    [InlineData(-0.999499, false)]
    public void Slerp_takes_the_line_beyond_its_cosine(double cosine, bool line)
    {
        var sine = Math.Sqrt(1 - (cosine * cosine));
        var point = MixSamples.Mix("slerp", MixSamples.Module((1, Vector(1, 0)), (1, Vector(cosine, sine))), new MixSettings { T = 0.25 }).ToArray();
        Assert.Equal(line, Math.Abs(point[1] - (0.25 * sine)) < 1e-12);
    }

    // 1 − cos² is rounding here, and what is divided by it would be a hundred million times the adapters.
    [Theory]
    [InlineData(-0.3)]
    [InlineData(-1.7)]
    [InlineData(1.3)]
    public void Adapters_on_one_line_are_mixed_on_it(double factor)
    {
        foreach (var granularity in Enum.GetValues<Granularity>())
        {
            var one = MatrixSamples.Random(5, 37, 53, 4, 0.7);
            var other = new LowRank([.. one.B.Select(value => value * factor)], one.A, 4, (37, 53), 0.7);
            var mixed = MixSamples.Mix("nuslerp", MixSamples.Module((0.7, one), (0.4, other)), new MixSettings { Granularity = granularity });
            var t = 0.4 / 1.1;
            Assert.InRange(MixSamples.Error(mixed, new LowRank(one.B, one.A, 4, (37, 53), 0.7 * (1 - t + (t * factor)))), 0, 1e-13);
        }
    }

    [Fact]
    public void Nearly_equal_adapters_are_mixed_to_their_last_digits()
    {
        var one = MatrixSamples.Random(6, 30, 20, 3);
        var other = new LowRank([.. one.B.Select((value, at) => value * (1 + (1e-7 * (at % 5))))], one.A, 3, (30, 20));
        var mixed = MixSamples.Mix("nuslerp", MixSamples.Module((0.5, one), (0.5, other)));
        Assert.InRange(MixSamples.Error(mixed, MixSamples.Mix("cat", MixSamples.Module((0.5, one), (0.5, other)))), 0, 1e-13);
    }

    [Theory]
    [InlineData("slerp")]
    [InlineData("nuslerp")]
    [InlineData("model-stock")]
    public void Rows_of_zeros_have_no_angle(string method)
    {
        var one = MatrixSamples.Random(7, 5, 4, 2);
        var other = new LowRank([0, 0, .. one.B.Skip(2).Select(value => -value + 0.1)], one.A, 2, (5, 4));
        var mixed = MixSamples.Mix(method, MixSamples.Module((1, one), (1, other)), new MixSettings { Granularity = Granularity.Row }).ToArray();
        var share = method == "model-stock" ? 0 : 0.5;
        for (var column = 0; column < 4; column++)
            Assert.Equal(share * one.ToArray()[column], mixed[column], 1e-15);

        Assert.All(mixed, value => Assert.True(double.IsFinite(value)));
    }

    [Theory]
    [InlineData(1, 1.0)]
    [InlineData(3, 1.0)]
    [InlineData(3, 0.25)]
    public void Model_stock_of_equal_adapters_is_one_of_them_whatever_their_lengths(int count, double step)
    {
        var one = MatrixSamples.Random(8, 9, 7, 2);
        var mean = Enumerable.Range(0, count).Average(at => 1 + (at * (1 - step)));
        var module = MixSamples.Module([.. Enumerable.Range(0, count).Select(at =>
            (1.0, (DeltaMatrix)new LowRank(one.B, one.A, 2, (9, 7), 1 + (at * (1 - step)))))]);
        Assert.InRange(MixSamples.Error(MixSamples.Mix("model-stock", module), new LowRank(one.B, one.A, 2, (9, 7), mean)), 0, 1e-13);
    }

    private static LowRank Vector(double x, double y) => new([1], [x, y], 1, (1, 2));
}
