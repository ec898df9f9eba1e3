using LoraOps.Runtime.Parity;
using LoraOps.Tensors;

namespace LoraOps.Runtime.Tests.Parity;

public sealed class OutputMeterTests
{
    private const int Digits = 12;

    [Fact]
    public void Measures_what_a_hand_computes()
    {
        // Sample 1: reference (3, 4), candidate (3, 3). Sample 2: reference (0, 2), candidate (1, 2).
        var parity = Measure(2, [3, 3, 1, 2], [3, 4, 0, 2]);

        Assert.Equal(4, parity.Values);
        Assert.Equal(new TensorShape(2), parity.SampleShape);
        Assert.Equal(25 / Math.Sqrt(23.0 * 29), parity.Cosine, Digits);
        Assert.Equal(2 / Math.Sqrt(5), parity.WorstCosine, Digits);
        Assert.Equal(10 * Math.Log10(29 / 2.0), parity.Sqnr, Digits);
        Assert.Equal(1, parity.MaxAbs);
        Assert.Equal(0.5, parity.MeanAbs, Digits);
        Assert.Equal(Math.Sqrt(23.0 / 29), parity.NormRatio, Digits);
        Assert.Equal(0.5, parity.Top1);
        Assert.Equal((Kl([3, 4], [3, 3]) + Kl([0, 2], [1, 2])) / 2, parity.Kl!.Value, Digits);
    }

    [Fact]
    public void A_thing_is_equal_to_itself()
    {
        var values = Seeded(60, 1);

        var parity = Measure(6, values, values);

        Assert.Equal(1, parity.Cosine, Digits);
        Assert.Equal(1, parity.WorstCosine, Digits);
        Assert.Equal(double.PositiveInfinity, parity.Sqnr);
        Assert.Equal(0, parity.MaxAbs);
        Assert.Equal(0, parity.MeanAbs);
        Assert.Equal(0, parity.Kl);
        Assert.Equal(1, parity.Top1);
        Assert.Equal(1, parity.NormRatio);
    }

    [Fact]
    public void A_gain_is_seen_by_the_norm_and_not_by_the_cosine()
    {
        var values = Seeded(60, 2);

        var parity = Measure(6, [.. values.Select(value => value * 4)], values);

        Assert.Equal(1, parity.Cosine, Digits);
        Assert.Equal(4, parity.NormRatio, Digits);
        Assert.Equal(-20 * Math.Log10(3), parity.Sqnr, Digits);
        Assert.Equal(1, parity.Top1);
    }

    [Fact]
    public void The_order_of_the_samples_does_not_matter()
    {
        var (x, y) = (Seeded(60, 3), Seeded(60, 4));

        var one = Measure(6, x, y);
        var two = Measure(6, [.. x[30..], .. x[..30]], [.. y[30..], .. y[..30]]);

        Assert.Equal(one.Cosine, two.Cosine, Digits);
        Assert.Equal(one.Kl!.Value, two.Kl!.Value, Digits);
        Assert.Equal(one.WorstCosine, two.WorstCosine);
        Assert.Equal(one.Top1, two.Top1);
        Assert.Equal(one.MaxAbs, two.MaxAbs);
    }

    [Fact]
    public void The_number_of_runs_does_not_matter()
    {
        var (x, y) = (Seeded(60, 5), Seeded(60, 6));
        var meter = new OutputMeter("y");
        foreach (var at in new[] { 0, 20, 40 })
            meter.Add(new TensorShape(4, 5), x.AsSpan(at, 20), y.AsSpan(at, 20));

        Assert.Equal(Measure(5, x, y), meter.Result());
    }

    [Theory]
    [InlineData(20)]
    [InlineData(40)]
    public void Noise_across_the_signal_gives_the_cosine_that_its_level_says(double decibel)
    {
        // Noise that is orthogonal to the signal: (1, 0) against (1, e), e = 10^(-SQNR/20).
        var parity = Measure(2, [1, (float)Math.Pow(10, -decibel / 20)], [1, 0]);

        Assert.Equal(decibel, parity.Sqnr, 5);
        Assert.Equal(1 / Math.Sqrt(1 + Math.Pow(10, -decibel / 10)), parity.Cosine, 6);
    }

    [Fact]
    public void Nothing_equals_nothing_and_differs_from_something()
    {
        Assert.Equal(1, Measure(2, [0, 0], [0, 0]).Cosine);
        Assert.Equal(1, Measure(2, [0, 0], [0, 0]).NormRatio);
        Assert.Equal(0, Measure(2, [0, 0], [1, 0]).Cosine);
        Assert.Equal(0, Measure(2, [0, 0], [1, 0]).NormRatio);
        Assert.Equal(double.PositiveInfinity, Measure(2, [1, 0], [0, 0]).NormRatio);
        Assert.Equal(double.NegativeInfinity, Measure(2, [1, 0], [0, 0]).Sqnr);
    }

    [Fact]
    public void Equal_largest_values_are_won_by_the_first()
    {
        Assert.Equal(1, Measure(3, [1, 2, 2], [0, 5, 1]).Top1);
        Assert.Equal(0, Measure(3, [2, 2, 1], [0, 5, 5]).Top1);
    }

    [Theory]
    [InlineData(float.NaN, 0)]
    [InlineData(float.PositiveInfinity, 0)]
    [InlineData(0, float.NaN)]
    [InlineData(float.NegativeInfinity, float.NegativeInfinity)]
    public void A_value_that_is_no_number_spoils_every_metric(float candidate, float reference)
    {
        var parity = Measure(2, [1, 2, candidate, 1], [1, 2, reference, 1]);

        double?[] all = [parity.Cosine, parity.WorstCosine, parity.Sqnr, parity.MaxAbs, parity.MeanAbs, parity.NormRatio, parity.Kl, parity.Top1];
        Assert.All(all, value => Assert.Equal(double.NaN, value));
        Assert.Equal(float.IsFinite(candidate) ? 0 : 1, parity.CandidateNotFinite);
        Assert.Equal(float.IsFinite(reference) ? 0 : 1, parity.ReferenceNotFinite);
    }

    [Fact]
    public void An_output_without_classes_has_no_winner()
    {
        var meter = new OutputMeter("y");
        meter.Add(new TensorShape(3), [1, 2, 3], [1, 2, 4]);

        var parity = meter.Result();

        Assert.Null(parity.Top1);
        Assert.Null(parity.Kl);
        Assert.Equal(1, parity.MaxAbs);
        Assert.Equal(1, parity.WorstCosine);
    }

    [Fact]
    public void Large_logits_do_not_overflow()
    {
        var parity = Measure(2, [1000, 0], [0, 1000]);

        Assert.Equal(1000, parity.Kl!.Value, 6);
    }

    private static OutputParity Measure(int classes, float[] candidate, float[] reference)
    {
        var meter = new OutputMeter("y");
        meter.Add(new TensorShape(candidate.Length / classes, classes), candidate, reference);
        return meter.Result();
    }

    private static double Kl(double[] reference, double[] candidate)
    {
        var p = reference.Select(value => Math.Exp(value) / reference.Sum(Math.Exp)).ToArray();
        var q = candidate.Select(value => Math.Exp(value) / candidate.Sum(Math.Exp)).ToArray();
        return p.Zip(q, (a, b) => a * Math.Log(a / b)).Sum();
    }

    private static float[] Seeded(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 2) - 1)];
    }
}
