using LoraOps.Onnx.Quantizing;
using LoraOps.Runtime.Calibrating;

namespace LoraOps.Runtime.Tests.Calibrating;

public sealed class TensorHistogramTests
{
    private const int Bins = CalibrationSettings.FewestBins;

    /// <summary>Kinds of values: a bell, far outliers, all but zero, of all magnitudes, subnormal, signed zeros, one-sided.</summary>
    public static TheoryData<string> Kinds => new(Values.Kinds);

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Counts_do_not_depend_on_the_order_or_on_the_calls(string kind)
    {
        var values = Values.Of(kind, 20_000, seed: 3);
        var first = new TensorHistogram(Bins);
        first.Add(values);
        for (var seed = 0; seed < 8; seed++)
        {
            var random = new Random(seed);
            var shuffled = values.ToArray();
            random.Shuffle(shuffled);
            var other = new TensorHistogram(Bins);
            for (var at = 0; at < shuffled.Length;)
            {
                var count = Math.Min(shuffled.Length - at, 1 + random.Next(5000));
                other.Add(shuffled.AsSpan(at, count));
                at += count;
            }

            Assert.Equal(first.Width, other.Width);
            Assert.True(first.Above.SequenceEqual(other.Above), $"seed {seed}");
            Assert.True(first.Below.SequenceEqual(other.Below), $"seed {seed}");
            Assert.Equal((first.Count, first.Zeros, first.Observed), (other.Count, other.Zeros, other.Observed));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_bin_holds_the_values_between_its_edges(string kind)
    {
        var values = Values.Of(kind, 5_000, seed: 4);
        var seen = new TensorHistogram(Bins);
        seen.Add(values);

        var (above, below) = (new long[seen.Side], new long[seen.Side]);
        foreach (var value in values)
            (value < 0 ? below : above)[(int)Math.Floor(Math.Abs((double)value) / seen.Width)]++;

        Assert.Equal(above, seen.Above.ToArray());
        Assert.Equal(below, seen.Below.ToArray());
        Assert.Equal(values.LongCount(value => value == 0), seen.Zeros);
        Assert.Equal(new TensorRange(values.Min(), values.Max()), seen.Observed);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void At_least_as_many_bins_as_asked_for_lie_up_to_the_largest_magnitude(string kind)
    {
        var seen = new TensorHistogram(Bins);
        seen.Add(Values.Of(kind, 5_000, seed: 5));

        var magnitude = Math.Max(Math.Abs((double)seen.Observed.Min), Math.Abs((double)seen.Observed.Max));
        Assert.True(magnitude < seen.Side * seen.Width);

        // Below the smallest width there is no finer one: its reciprocal would not be finite.
        Assert.True(magnitude >= Bins * seen.Width || seen.Width == Math.ScaleB(1, -126), $"{magnitude} in bins of {seen.Width}");
    }

    [Fact]
    public void Tells_what_has_no_place_in_a_range_whatever_came_first()
    {
        var (one, other) = (new TensorHistogram(Bins), new TensorHistogram(Bins));
        one.Add([1, float.PositiveInfinity]);
        one.Add([float.NaN]);
        other.Add([float.NaN, 2]);
        other.Add([float.NegativeInfinity]);
        Assert.Equal(("NaN", "NaN"), (one.Fault, other.Fault));

        var infinite = new TensorHistogram(0);
        infinite.Add([float.NegativeInfinity]);
        Assert.Equal("infinite", infinite.Fault);
    }

    [Theory]
    [InlineData(-1f, 1f, 0.0)]
    [InlineData(-0.5f, 1f, 0.25)]
    [InlineData(-0.5f, 0.5f, 0.5)]
    [InlineData(0f, 0f, 1.0)]
    [InlineData(-3f, -2f, 0.5)]
    public void Tells_the_share_beyond_a_range_that_holds_zero(float min, float max, double share)
    {
        var seen = new TensorHistogram(Bins);
        seen.Add([.. Enumerable.Range(0, 100_000).Select(i => ((i + 0.5f) / 50_000f) - 1)]);

        Assert.Equal(share, seen.ShareBeyond(new TensorRange(min, max)), 1e-3);
    }

    [Fact]
    public void Zeros_are_inside_every_range()
    {
        var seen = new TensorHistogram(Bins);
        seen.Add(new float[100]);
        seen.Add([1, -0f]);

        Assert.Equal(101, seen.Zeros);
        Assert.Equal(1.0 / 102, seen.ShareBeyond(new TensorRange(0, 0)), 1e-12);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(4099)]
    public void Extremes_are_those_of_a_plain_search(int count)
    {
        foreach (var kind in Values.Kinds)
        {
            var values = Values.Of(kind, count, seed: count);
            var extent = ValueExtent.Of(values);
            Assert.Equal((values.Min(), values.Max(), false, values.Count(value => value == 0)), (extent.Min, extent.Max, extent.HasNaN, extent.Zeros));
            Assert.False(float.IsNegative(extent.Min) && extent.Min == 0);
            values[count / 2] = float.NaN;
            Assert.True(ValueExtent.Of(values).HasNaN);
        }
    }
}
