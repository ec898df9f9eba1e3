using LoraOps.Onnx.Quantizing;
using LoraOps.Runtime.Calibrating;

namespace LoraOps.Runtime.Tests.Calibrating;

/// <summary>What each way to choose a range promises, against definitions in float64 that share no code with it.</summary>
public sealed class CalibratorTests
{
    public static TheoryData<string, bool> Cases
    {
        get
        {
            var cases = new TheoryData<string, bool>();
            foreach (var kind in Values.Kinds)
            {
                cases.Add(kind, true);
                cases.Add(kind, false);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_range_lies_inside_what_was_observed_and_is_not_empty_where_that_is_not(string kind, bool isSymmetric)
    {
        var seen = Seen(Values.Of(kind, 30_000, seed: 1));
        foreach (var calibrator in Calibrators.All)
        {
            var range = calibrator.Choose(seen, Settings(calibrator, isSymmetric));
            Assert.True(range.Min <= range.Max, $"{calibrator.Name}: {range}");
            Assert.InRange(range.Min, seen.Observed.Min, seen.Observed.Max);
            Assert.InRange(range.Max, seen.Observed.Min, seen.Observed.Max);
            Assert.True(seen.Observed == new TensorRange(0, 0) || range.Min < 0 || range.Max > 0, $"{calibrator.Name}: {range} of {seen.Observed}");
        }
    }

    [Theory]
    [InlineData("bell", 99.9)]
    [InlineData("uniform", 99.0)]
    [InlineData("outliers", 99.99)]
    [InlineData("sparse", 99.9)]
    [InlineData("gelu", 98.0)]
    [InlineData("bell", 100)]
    public void Percentile_is_that_of_the_sorted_values_to_within_a_bin(string kind, double percentile)
    {
        var values = Values.Of(kind, 40_000, seed: 2);
        var seen = Seen(values);
        var signed = values.Select(value => (double)value).Order().ToArray();
        var magnitudes = values.Select(value => Math.Abs((double)value)).Order().ToArray();

        var both = Calibrators.Percentile.Choose(seen, Settings(Calibrators.Percentile, isSymmetric: false) with { Percentile = percentile });
        var even = Calibrators.Percentile.Choose(seen, Settings(Calibrators.Percentile, isSymmetric: true) with { Percentile = percentile });

        Assert.InRange(both.Max, Rank(signed, (1 + (percentile / 100)) / 2).Low - seen.Width, Rank(signed, (1 + (percentile / 100)) / 2).High + seen.Width);
        Assert.InRange(both.Min, Rank(signed, (1 - (percentile / 100)) / 2).Low - seen.Width, Rank(signed, (1 - (percentile / 100)) / 2).High + seen.Width);
        var limit = Math.Max(even.Max, -even.Min);
        Assert.InRange(limit, Rank(magnitudes, percentile / 100).Low - seen.Width, Rank(magnitudes, percentile / 100).High + seen.Width);
    }

    [Fact]
    public void Percentile_of_an_even_spread_is_the_share_itself()
    {
        var seen = Seen([.. Enumerable.Range(0, 100_000).Select(i => (i + 0.5f) / 100_000)]);

        var range = Calibrators.Percentile.Choose(seen, Settings(Calibrators.Percentile, isSymmetric: true) with { Percentile = 90 });

        // Inside a bin as well: a bin alone is a thousand times wider than this.
        Assert.Equal(0.9f, range.Max, 2e-5f);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Entropy_keeps_all_of_an_even_spread(bool isSymmetric)
    {
        var seen = Seen(Values.Of("uniform", 2_000_000, seed: 6));

        Assert.Equal(seen.Observed, Calibrators.Entropy.Choose(seen, Settings(Calibrators.Entropy, isSymmetric)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Entropy_and_mse_clip_a_few_far_outliers(bool isSymmetric)
    {
        float[] values = [.. Values.Of("bell", 1_000_000, seed: 7), 60, -70, 65];
        var seen = Seen(values);

        foreach (var calibrator in new[] { Calibrators.Entropy, Calibrators.Mse })
        {
            var range = calibrator.Choose(seen, Settings(calibrator, isSymmetric));
            Assert.True(Math.Max(range.Max, -range.Min) is > 2 and < 40, $"{calibrator.Name}: {range}");
        }
    }

    [Fact]
    public void The_divergence_is_that_of_its_definition()
    {
        var random = new Random(9);
        for (var round = 0; round < 60; round++)
        {
            var counts = Enumerable.Range(0, 300 + random.Next(700)).Select(_ => random.Next(4) == 0 ? 0L : (long)Math.Exp(8 * random.NextDouble())).ToArray();
            var levels = 1 + random.Next(255);
            var search = new DivergenceSearch(counts, levels);
            var low = random.Next(counts.Length - levels > 40 ? 40 : 1);
            var high = Math.Min(counts.Length, low + levels + random.Next(counts.Length));

            Assert.Equal(Divergence(counts, low, high, levels), search.Divergence(low, high), 1e-9);
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Mse_is_never_worse_than_minmax_on_the_values_themselves(string kind, bool isSymmetric)
    {
        var values = Values.Of(kind, 60_000, seed: 8);
        var seen = Seen(values);
        var settings = Settings(Calibrators.Mse, isSymmetric);

        var (own, all) = (Error(values, Calibrators.Mse.Choose(seen, settings), settings.Codes), Error(values, seen.Observed, settings.Codes));

        // The search sees bins, not values: a step of codes is at least eight bins wide where nothing is clipped.
        Assert.True(own <= all * 1.005, $"{own} against {all}");
    }

    [Fact]
    public void Mse_finds_what_a_search_over_the_values_finds()
    {
        var values = Values.Of("bell", 100_000, seed: 10);
        var settings = Settings(Calibrators.Mse, isSymmetric: true);
        var seen = Seen(values);

        var own = Error(values, Calibrators.Mse.Choose(seen, settings), settings.Codes);
        var best = Enumerable.Range(20, 200).Min(step => Error(values, new TensorRange(-step * 0.025f, step * 0.025f), settings.Codes));

        Assert.True(own <= best * 1.01, $"{own} against {best}");
    }

    [Fact]
    public void Codes_that_are_finer_than_bins_clip_nothing_of_a_bell()
    {
        var seen = Seen(Values.Of("bell", 100_000, seed: 11));
        var settings = new CalibrationSettings { Codes = new CodeLevels(1 << 16, false) };

        Assert.Equal(seen.Observed, Calibrators.Entropy.Choose(seen, settings));
        var range = Calibrators.Mse.Choose(seen, settings);
        Assert.True(range.Max > 0.9 * seen.Observed.Max && range.Min < 0.9 * seen.Observed.Min, $"{range}");
    }

    private static TensorHistogram Seen(float[] values)
    {
        var seen = new TensorHistogram(CalibrationSettings.FewestBins);
        seen.Add(values);
        return seen;
    }

    private static CalibrationSettings Settings(Calibrator calibrator, bool isSymmetric) =>
        new() { Calibrator = calibrator, Codes = isSymmetric ? CodeLevels.Symmetric8 : CodeLevels.Asymmetric8 };

    // Between the two values whose ranks enclose the wanted one.
    private static (double Low, double High) Rank(double[] sorted, double share)
    {
        var rank = share * sorted.Length;
        return (sorted[(int)Math.Clamp(Math.Floor(rank) - 1, 0, sorted.Length - 1)], sorted[(int)Math.Clamp(Math.Ceiling(rank), 0, sorted.Length - 1)]);
    }

    // P and Q written out bin by bin, as Migacz's slides have them, with Q in floating point.
    private static double Divergence(long[] counts, int low, int high, int levels)
    {
        var p = counts[low..high].Select(count => (double)count).ToArray();
        var q = new double[p.Length];
        for (var level = 0; level < levels; level++)
        {
            var (from, to) = ((int)((long)level * p.Length / levels), (int)((level + 1L) * p.Length / levels));
            var (mass, filled) = (p[from..to].Sum(), p[from..to].Count(count => count > 0));
            for (var i = from; i < to; i++)
                q[i] = p[i] > 0 ? mass / filled : 0;
        }

        var total = q.Sum();
        p[0] += counts[..low].Sum();
        p[^1] += counts[high..].Sum();
        foreach (var end in new[] { 0, p.Length - 1 })
            q[end] = p[end] > 0 && q[end] == 0 ? 1e-4 : q[end];

        return p.Zip(q).Where(pair => pair.First > 0).Sum(pair => pair.First / p.Sum() * Math.Log(pair.First / p.Sum() / (pair.Second / total)));
    }

    private static double Error(float[] values, TensorRange range, CodeLevels codes)
    {
        var (low, high) = (Math.Min(0.0, range.Min), Math.Max(0.0, range.Max));
        var magnitude = Math.Max(-low, high);
        var scale = (codes.IsSymmetric ? 2 * magnitude : high - low) / (codes.Count - 1);
        if (scale == 0)
            return values.Sum(value => (double)value * value);

        var zero = codes.IsSymmetric ? codes.Count / 2 : Math.Round(-low / scale);
        return values.Sum(value => Math.Pow(((Math.Clamp(Math.Round(value / scale) + zero, 0, codes.Count - 1) - zero) * scale) - value, 2));
    }
}
