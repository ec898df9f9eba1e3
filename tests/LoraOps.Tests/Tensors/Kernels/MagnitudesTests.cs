using LoraOps.Tensors.Kernels;
using LoraOps.Testing;
using LoraOps.Tests.Mixing;

namespace LoraOps.Tests.Tensors.Kernels;

/// <summary>Kernels over magnitudes against plain loops.</summary>
[Trait("Category", ScalarRun.Category)]
public sealed class MagnitudesTests
{
    private static readonly int[] Lengths = [1, 7, 8, 9, 63, 64, 65, 300, 2000];

    public static TheoryData<string> Kinds => [.. ElementSamples.Kinds];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Sorts_rows_like_a_stable_sort(string kind)
    {
        foreach (var length in Lengths)
        {
            var sort = new MagnitudeSort(length);
            foreach (var seed in new[] { 1, 2 })
            {
                var values = ElementSamples.Of(kind, length, seed);
                Assert.Equal(ElementOracle.Order(values), sort.Order(values).ToArray());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Ranks_like_a_sort(string kind)
    {
        foreach (var length in Lengths)
        {
            var keys = Array.ConvertAll(ElementSamples.Of(kind, length), Magnitudes.Key);
            var sorted = keys.OrderDescending().ToArray();
            foreach (var rank in new[] { 1, (length + 1) / 2, length })
                Assert.Equal(sorted[rank - 1], Magnitudes.Ranked([.. keys], rank));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Keeps_and_drops_by_key(string kind)
    {
        foreach (var length in Lengths)
        {
            var values = ElementSamples.Of(kind, length);
            var key = Magnitudes.Key(values[length / 3]);
            var (kept, dropped) = ((double[])values.Clone(), (double[])values.Clone());
            Magnitudes.KeepAbove(kept, key);
            Magnitudes.DropAbove(dropped, key);
            Assert.Equal(values.Select(value => Math.Abs(value) > Math.Abs(values[length / 3]) ? value : 0), kept);
            Assert.Equal(values.Select(value => Math.Abs(value) > Math.Abs(values[length / 3]) ? 0 : value), dropped);
        }
    }

    [Fact]
    public void Counts_above_a_band_and_collects_within_it()
    {
        var values = ElementSamples.Of("grid", 300);
        var (low, high) = (Magnitudes.Key(0.5), Magnitudes.Key(1));
        foreach (var capacity in new[] { 1, 10, 300 })
        {
            using var band = new MagnitudeBand(low, high, capacity);
            band.Add(values.AsSpan(0, 101), 0);
            band.Add(values.AsSpan(101), 101);
            var inside = Enumerable.Range(0, 300).Where(at => Math.Abs(values[at]) is >= 0.5 and <= 1).ToArray();
            Assert.Equal(values.Count(value => Math.Abs(value) > 1), band.Above);
            Assert.Equal(inside.Length, band.Inside);
            Assert.Equal(inside.Take(capacity).Select(at => (long)at), band.Indices.ToArray());
            Assert.Equal(inside.Take(capacity).Select(at => Magnitudes.Key(values[at])), band.Keys.ToArray());
        }
    }

    // The lanes of the sum are part of what it is.
    [Fact]
    public void Adds_in_eight_lanes()
    {
        foreach (var length in Lengths)
        {
            var values = ElementSamples.Of("normal", length);
            var (lanes, whole) = (new double[8], length / 8 * 8);
            for (var at = 0; at < whole; at++)
                lanes[at % 8] += Math.Abs(values[at]);

            var sum = 0.0;
            foreach (var value in lanes.Concat(values.Skip(whole).Select(Math.Abs)))
                sum += value;

            Assert.Equal(sum, Magnitudes.Sum(values));
        }
    }

    [Theory]
    [InlineData("normal", false)]
    [InlineData("normal", true)]
    [InlineData("grid", false)]
    [InlineData("grid", true)]
    [InlineData("mostly-zero", true)]
    public void Elects_like_plain_loops_to_the_last_bit(string kind, bool frequency)
    {
        double[] weights = [0.6, -0.35, 1.1];
        double[] ones = [1, 1, 1];
        foreach (var (voices, gains) in new[] { (weights, ones), (ones, weights) })
            foreach (var divisors in new[] { weights, ones, [0, 0, 0] })
                foreach (var length in Lengths)
                {
                    var (values, mixed) = (ElementSamples.Of(kind, 3 * length), new double[length]);
                    new SignElection(voices, gains, divisors, frequency).Mix(values, 0.7, mixed);
                    Assert.Equal(Enumerable.Range(0, length).Select(at => Elected([values[at], values[length + at], values[(2 * length) + at]])), mixed);

                    double Elected(double[] own)
                    {
                        var votes = 0.0;
                        for (var owner = 0; owner < 3; owner++)
                            votes += frequency ? Math.Sign(own[owner] * voices[owner]) : own[owner] * voices[owner];

                        var (sum, divisor) = (0.0, 0.0);
                        for (var owner = 0; owner < 3; owner++)
                        {
                            var agrees = votes < 0 ? own[owner] * voices[owner] < 0 : own[owner] * voices[owner] > 0;
                            sum += agrees ? own[owner] * voices[owner] * gains[owner] : 0;
                            divisor += agrees ? divisors[owner] : 0;
                        }

                        return sum / (divisor == 0 ? 1 : divisor) * 0.7;
                    }
                }
    }
}
