using LoraOps.Mixing;
using LoraOps.Testing;
using MathNet.Numerics.LinearAlgebra;

namespace LoraOps.Tests.Mixing;

/// <summary>Factors, coordinates and tiles against the same definition on dense matrices.</summary>
[Trait("Category", ScalarRun.Category)]
public sealed class DenseOracleTests
{
    public static TheoryData<string> Methods => [.. MixSamples.Methods];

    public static TheoryData<string> MethodsOfElements => [.. MixSamples.Methods.Where(name => !MixMethods.Find(name)!.NeedsFactors)];

    [Theory]
    [MemberData(nameof(Methods))]
    public void Products_mix_as_their_dense_matrices(string method)
    {
        for (var seed = 0; seed < 60; seed++)
        {
            var (module, settings) = (MixSamples.Random(seed, MixSamples.Owners(method, seed)), MixSamples.Settings(seed));
            var mixed = MixSamples.Mix(method, module, settings);
            Assert.IsType<LowRank>(mixed);
            Meets(method, module, settings, mixed, $"seed {seed}");
        }
    }

    [Theory]
    [MemberData(nameof(MethodsOfElements))]
    public void Dense_owners_beside_products_mix_as_their_dense_matrices(string method)
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var count = MixSamples.Owners(method, seed);
            var (module, settings) = (MixSamples.Random(seed, count, 1 + (seed % count)), MixSamples.Settings(seed));
            Meets(method, module, settings, MixSamples.Mix(method, module, settings), $"seed {seed}");
        }
    }

    [Theory]
    [MemberData(nameof(MethodsOfElements))]
    public void Dora_beside_lora_mixes_as_its_true_delta(string method)
    {
        foreach (var name in new[] { "cat-dora-both", "cat-mixed" })
        {
            using var golden = GoldenMixCase.Of(name);
            foreach (var module in golden.Modules().Where(module => MixMethods.Find(method)!.Adapters is null || module.Weights.Count == 2))
            {
                for (var seed = 0; seed < 3; seed++)
                    Meets(method, module, MixSamples.Settings(seed), MixSamples.Mix(method, module, MixSamples.Settings(seed)), $"{name} {module.Name}");
            }
        }
    }

    [Theory]
    [InlineData("slerp", Granularity.Tensor)]
    [InlineData("nuslerp", Granularity.Row)]
    [InlineData("nuslerp", Granularity.Column)]
    [InlineData("model-stock", Granularity.Tensor)]
    [InlineData("model-stock", Granularity.Row)]
    [InlineData("model-stock", Granularity.Column)]
    public void Angles_of_several_tiles_are_those_of_the_whole(string method, Granularity granularity)
    {
        var one = MatrixSamples.Random(1, 80, 1000, 9);
        var other = MatrixSamples.Random(2, 80, 1000, 5, 0.3);
        var settings = new MixSettings { Granularity = granularity, T = 0.3 };
        foreach (DeltaMatrix second in new DeltaMatrix[] { other, new MatrixSamples.Elements(other.ToArray(), 80, 1000) })
        {
            var module = MixSamples.Module((0.7, one), (0.5, second));
            Meets(method, module, settings, MixSamples.Mix(method, module, settings), $"{second.GetType().Name}");
        }
    }

    private static void Meets(string method, MixModule module, MixSettings settings, DeltaMatrix mixed, string why)
    {
        var (found, wanted) = (MatrixSamples.Dense(mixed), DenseMixes.Of(method, module, settings));
        var error = (found - wanted).FrobeniusNorm();
        Assert.True(error <= 1e-11 * Math.Max(1e-3, Scale(module, wanted)), $"{why}: error {error} of {wanted.FrobeniusNorm()}");
    }

    // What cancels is right to the digits of what went in.
    private static double Scale(MixModule module, Matrix<double> wanted) =>
        Math.Max(wanted.FrobeniusNorm(), module.Shares.Max(share => MatrixSamples.Dense(share.Delta).FrobeniusNorm()));
}
