using LoraOps.Onnx.Layers;
using LoraOps.Runtime.Parity;
using LoraOps.Runtime.Surviving;

namespace LoraOps.Runtime.Tests.Surviving;

/// <summary>
/// The law that the gate stands on: Gaussian weights of 4096 inputs, int8 per channel with the same scales before and after, a Gaussian
/// change of a given power against the rounding. ρ stays near 1; the cosine falls.
/// </summary>
public sealed class GaussianTests
{
    private const int Inputs = 4096;
    private const int Outputs = 8;

    [Theory]
    [InlineData(-20, 0.023, 0.19)]
    [InlineData(-10, 0.07, 0.33)]
    [InlineData(0, 0.23, 0.60)]
    [InlineData(5, 0.40, 0.78)]
    [InlineData(10, 0.60, 0.91)]
    [InlineData(15, 0.76, 0.97)]
    [InlineData(20, 0.87, 0.99)]
    public void Cosine_and_changed_codes_follow_the_power_of_the_change(double decibels, double changed, double cosine)
    {
        var random = new Random(7);
        var plain = Gaussian(random, 1);
        var codes = PerChannel(plain);
        var merged = new float[plain.Length];
        var change = Gaussian(random, 1);
        for (var i = 0; i < plain.Length; i++)
            merged[i] = plain[i] + (change[i] * codes.Scales[i / Inputs] * (float)Math.Sqrt(Math.Pow(10, decibels / 10) / 12));

        var found = Measure(merged, plain, codes);

        Assert.InRange(found.SnrDelta, decibels - 0.2, decibels + 0.2);
        Assert.InRange(found.DeltaCosine, cosine - 0.015, cosine + 0.015);
        Assert.InRange(found.ChangedCodes, changed - 0.015, changed + 0.015);

        // A small change moves few codes, so its projection is a noisy estimate of 1.
        Assert.InRange(found.Rho, 1 - (0.02 / cosine), 1 + (0.02 / cosine));
        Assert.Equal(cosine >= 0.9 ? SurvivalVerdict.Kept : cosine < 0.59 ? SurvivalVerdict.Buried : found.Verdict, found.Verdict);
    }

    [Fact]
    public void A_small_change_leaves_about_the_root_of_its_size()
    {
        var random = new Random(11);
        var plain = Gaussian(random, 1);
        var codes = PerChannel(plain);
        foreach (var size in new[] { 0.03, 0.06, 0.1 })
        {
            var change = Gaussian(random, (float)size);
            var merged = plain.Select((value, i) => value + (change[i] * codes.Scales[i / Inputs])).ToArray();

            Assert.InRange(Measure(merged, plain, codes).DeltaCosine / Math.Sqrt(1.25 * size), 0.9, 1.1);
        }
    }

    [Fact]
    public void Scales_of_their_own_bury_no_less()
    {
        var random = new Random(13);
        var plain = Gaussian(random, 1);
        var codes = PerChannel(plain);
        var change = Gaussian(random, 0.3f);
        var merged = plain.Select((value, i) => value + (change[i] * codes.Scales[i / Inputs])).ToArray();
        var refit = codes.Likewise(plain, merged);
        var mine = QuantizedLayers.Of(refit, Outputs, merged);

        var own = new LayerSurvival(merged, plain, Inputs).Measure("m", "n", mine, mine.Likewise(merged, plain));

        Assert.InRange(own.DeltaCosine, 0.35, Measure(merged, plain, codes).DeltaCosine + 0.02);
    }

    private static ModuleSurvival Measure(float[] merged, float[] plain, WeightCodes codes)
    {
        var after = codes with { Codes = Codes(merged, codes.Scales) };
        return new LayerSurvival(merged, plain, Inputs).Measure(
            "m", "n", QuantizedLayers.Of(after, Outputs, merged), QuantizedLayers.Of(codes, Outputs, plain));
    }

    private static WeightCodes PerChannel(float[] values)
    {
        // Room for the change, so that nothing clips: the same scale holds both.
        var scales = Enumerable.Range(0, Outputs).Select(row => values.Skip(row * Inputs).Take(Inputs).Max(Math.Abs) / 120).ToArray();
        return new WeightCodes(Codes(values, scales), [.. Enumerable.Range(0, values.Length).Select(i => i / Inputs)], scales, new int[Outputs])
        {
            Low = -128,
            High = 127,
        };
    }

    private static int[] Codes(float[] values, float[] scales) =>
        [.. values.Select((value, i) => (int)Math.Clamp(Math.Round(value / (double)scales[i / Inputs]), -128, 127))];

    private static float[] Gaussian(Random random, float size)
    {
        var values = new float[Inputs * Outputs];
        for (var i = 0; i < values.Length; i++)
            values[i] = size * (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

        return values;
    }
}

/// <summary>Layers that were never in a graph.</summary>
internal static class QuantizedLayers
{
    public static QuantizedLayer Of(WeightCodes codes, int outputs, float[] reference) =>
        QuantizedLayer.Of(new LoraOps.Tensors.TensorShape(outputs, reference.Length / outputs), codes, reference);
}
